# Loaded into Ruby by RUBYOPT=-r: gives the AWS SDK its proxy, which it does not take from the
# environment. It waits until the program itself has loaded the SDK: loading it here would pick a
# version before Bundler does, and slow every Ruby down that needs none.
proxy = ENV['HTTPS_PROXY'] || ENV['https_proxy']
if proxy && !proxy.empty?
  watch = TracePoint.new(:end) do |point|
    next unless point.self.is_a?(Module) && point.self.name == 'Aws' && point.self.respond_to?(:config) && point.self.config.is_a?(Hash)

    watch.disable
    # The SDK's proxy has no exceptions: where it takes our URL as its endpoint it must not get one.
    endpoint = ENV['AWS_ENDPOINT_URL']
    Aws.config[:http_proxy] ||= proxy if endpoint.nil? || endpoint.empty?
  end
  watch.enable
end
