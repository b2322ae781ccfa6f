# Loaded into Ruby by RUBYOPT=-r: gives the AWS SDK its proxy, which it does not take from the
# environment. It waits until the program itself has loaded the SDK: loading it here would pick a
# version before Bundler does, and slow every Ruby down that needs none.
proxy = ENV['HTTPS_PROXY'] || ENV['https_proxy']
if proxy && !proxy.empty?
  watch = TracePoint.new(:end) do |point|
    # Compared as an object: a class may have made a `name` of its own.
    next unless Object.const_defined?(:Aws) && Aws.equal?(point.self) && Aws.respond_to?(:config) && Aws.config

    watch.disable
    # The SDK gives each connection its proxy, and no exceptions from it.
    require 'net/http'
    parts = URI(proxy)
    parts = [parts.hostname, parts.port, parts.user, parts.password]
    Net::HTTP.singleton_class.prepend(Module.new do
      define_method(:new) do |address, port = nil, p_addr = :ENV, p_port = nil, p_user = nil, p_pass = nil, p_no_proxy = nil, *others|
        exceptions = p_no_proxy || ENV['no_proxy'] || ENV['NO_PROXY']
        # From the environment, the library takes the proxy of plain HTTP for everything.
        p_addr, p_port, p_user, p_pass = parts if p_addr == :ENV && port == 443
        if p_addr.is_a?(String) && exceptions
          # Judged here: up to Ruby 3.1, the library compares the proxy's own address with them.
          p_no_proxy = nil
          p_addr = p_port = p_user = p_pass = nil unless URI::Generic.use_proxy?(address, address, port, exceptions)
        end
        super(address, port, p_addr, p_port, p_user, p_pass, p_no_proxy, *others)
      end
    end)
    # Where the SDK takes our URL as its endpoint it must get no proxy. Older versions take none.
    endpoint = ENV['AWS_ENDPOINT_URL']
    knows_endpoints = Aws::SharedConfig.method_defined?(:ignore_configured_endpoint_urls)
    Aws.config[:http_proxy] ||= proxy unless endpoint && !endpoint.empty? && knows_endpoints
  end
  watch.enable
end
