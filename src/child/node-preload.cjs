// Loaded into Node by NODE_OPTIONS=--require: makes every https.Agent tunnel through HTTPS_PROXY,
// which Node itself does not do for agents that a program makes, and every http.Agent where it calls
// a host of AWS. No dependencies, Node 14 and up.
'use strict';
const proxy = process.env.HTTPS_PROXY || process.env.https_proxy;
if (proxy) {
  const http = require('http');
  const https = require('https');
  const net = require('net');
  const tls = require('tls');
  const through = new URL(proxy);
  const direct = (process.env.NO_PROXY || process.env.no_proxy || '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase().replace(/^\*?\./, ''))
    .filter(Boolean);

  const bare = (host) => host.toLowerCase().replace(/^\[|\]$/g, '');
  // No service of AWS is called by its address.
  const isDirect = (host) =>
    net.isIP(host) !== 0 || direct.some((entry) => entry === '*' || host === entry || host.endsWith(`.${entry}`));

  // Domains of AWS, below which hosts speak plain HTTP too. (A list in JSON is put here.)
  const domains = AWS_SUFFIXES;
  const isAws = (host) => domains.some((domain) => host.endsWith(`.${domain}`));

  // Opens a connection to a host through the proxy.
  const tunnel = (host, port, callback) => {
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const headers = { host: authority };
    if (through.username) {
      const credentials = `${decodeURIComponent(through.username)}:${decodeURIComponent(through.password)}`;
      headers['proxy-authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
    }
    const connect = http.request({
      host: bare(through.hostname),
      port: through.port || 80,
      method: 'CONNECT',
      path: authority,
      headers,
      agent: false,
    });
    connect.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        callback(new Error(`the proxy ${through.host} refused CONNECT ${authority} with status ${response.statusCode}`));
        return;
      }
      callback(null, socket);
    });
    connect.once('error', callback);
    connect.end();
  };

  const isOurs = (options, callback, host) => typeof callback === 'function' && !options.socketPath && !options.socket && !isDirect(host);
  const hostOf = (options) => bare(String(options.host || options.hostname || 'localhost'));
  // A request listens for errors of its socket only from its next turn on; until then an error
  // without a listener would end the process.
  const handed = (socket) => socket.once('error', () => {});

  const secure = https.Agent.prototype.createConnection;
  https.Agent.prototype.createConnection = function (options, callback) {
    const host = hostOf(options);
    if (!isOurs(options, callback, host)) {
      return secure.call(this, options, callback);
    }
    tunnel(host, options.port || 443, (error, socket) => {
      if (error) {
        callback(error);
        return;
      }
      callback(null, handed(tls.connect({ ...options, path: undefined, socket, servername: options.servername || host })));
    });
  };

  const plain = http.Agent.prototype.createConnection;
  http.Agent.prototype.createConnection = function (options, callback) {
    const host = hostOf(options);
    if (!isAws(host) || !isOurs(options, callback, host)) {
      return plain.call(this, options, callback);
    }
    tunnel(host, options.port || 80, (error, socket) => (error ? callback(error) : callback(null, handed(socket))));
  };
}
