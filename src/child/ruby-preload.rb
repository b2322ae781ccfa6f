# Loaded into Ruby by RUBYOPT=-r: gives the AWS SDK its proxy, which it does not take from the
# environment. It waits until the program itself has loaded the SDK: loading it here would pick a
# version before Bundler does, and slow every Ruby down that needs none.
proxy = ENV['HTTPS_PROXY'] || ENV['https_proxy']
if proxy && !proxy.empty?
  watch = TracePoint.new(:end) do |point|
    # Compared as an object: a class may have made a `name` of its own.
    next unless Object.const_defined?(:Aws) && Aws.equal?(point.self) && Aws.respond_to?(:config) && Aws.config

    watch.disable
    # The SDK's proxy has no exceptions: where it takes our URL as its endpoint it must not get
    # one. Older versions take none.
    endpoint = ENV['AWS_ENDPOINT_URL']
    knows_endpoints = Aws::SharedConfig.method_defined?(:ignore_configured_endpoint_urls)
    Aws.config[:http_proxy] ||= proxy unless endpoint && !endpoint.empty? && knows_endpoints
  end
  watch.enable
end
