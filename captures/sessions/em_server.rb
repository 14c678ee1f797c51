# An echo server made with Ruby's em-websocket: Hixie-75 and -76, HyBi drafts 3, 5 and 6.
#
#   ruby em_server.rb HOST PORT
require 'digest'
require 'em-websocket'
require 'json'
require 'socket'

# Writes the events of one connection, as recording/journal.py does.
class Pen
  def initialize(socket)
    client, server = [socket.get_peername, socket.get_sockname].map { |name| Socket.unpack_sockaddr_in(name) }
    @address = { client_ip: client[1], client_port: client[0], server_ip: server[1], server_port: server[0], exchange: 0 }
  end

  def note(event, **facts)
    time = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
    line = { time: time, side: 'server', sees_control: true, **@address, event: event, **facts }
    File.open(ENV['JOURNAL'], 'a') { |journal| journal.puts(JSON.generate(line)) }
  end

  # The request's head; what comes behind it is not looked at.
  def request(bytes)
    lines = bytes.split("\r\n\r\n", 2).first.split("\r\n")
    fields = lines.drop(1).to_h { |line| line.split(': ', 2).then { |name, value| [name.downcase, value] } }
    version = fields['sec-websocket-version'] || fields['sec-websocket-draft']
    version ||= fields.key?('sec-websocket-key1') ? 'hixie-76' : 'hixie-75'
    subprotocol = fields['sec-websocket-protocol'] || fields['websocket-protocol']
    note('request', target: lines[0].split[1], version: version, extensions_offered: [],
                    subprotocols_offered: subprotocol ? [subprotocol] : [])
  end

  def message(sender, data, type)
    note('message', sender: sender, type: type, length: data.bytesize, sha256: Digest::SHA256.hexdigest(data),
                    frames: nil, compressed: false)
  end

  def control(sender, type, length = 0, code = nil, reason = nil)
    note('control', sender: sender, type: type, length: length, code: code, reason: reason)
  end
end

# The library tells an application of no closing handshake of Hixie-76. Its own state does.
module NotedClosing
  attr_accessor :pen

  def process_data
    before = @state
    result = super
    if before == :connected && @state == :closing
      pen.control('client', 'close')
      pen.control('server', 'close')
    end
    result
  end
end

# It tells an application of no request either that it did not answer.
module NotedRequest
  attr_reader :pen

  def receive_data(data)
    @seen = (@seen || '').b + data
    if @pen.nil? && @seen.include?("\r\n\r\n")
      @pen = Pen.new(self)
      @pen.request(@seen)
    end
    super
  end
end
EM::WebSocket::Connection.prepend(NotedRequest)

def serve(socket)
  socket.onopen do |handshake|
    if handshake.protocol_version == 76
      handler = socket.instance_variable_get(:@handler)
      handler.singleton_class.prepend(NotedClosing)
      handler.pen = socket.pen
    end
    fields = handshake.headers_downcased
    subprotocol = fields['sec-websocket-protocol'] || fields['websocket-protocol']
    socket.pen.note('response', status: 101, subprotocol: subprotocol, extensions: [])
    socket.pen.note('open')
  end
  socket.onmessage do |text|
    socket.pen.message('client', text, 'text')
    socket.pen.message('server', text, 'text')
    socket.send_text(text)
  end
  socket.onbinary do |data|
    socket.pen.message('client', data, 'binary')
    socket.pen.message('server', data, 'binary')
    socket.send_binary(data)
  end
  socket.onping do |data|
    socket.pen.control('client', 'ping', data.bytesize)
    socket.pen.control('server', 'pong', data.bytesize)
  end
  socket.onclose do |event|
    if event[:was_clean]
      # The library tells the status code alone, not how long the body was.
      code = event[:code] == 1005 ? nil : event[:code]
      socket.pen.control('client', 'close', nil, code, nil)
      socket.pen.control('server', 'close', nil, code, nil)
    end
  end
end

host, port = ARGV
EM.run do
  EM::WebSocket.run(host: host, port: port.to_i) { |socket| serve(socket) }
  EM.attach($stdin, Module.new { def unbind = EM.stop })
  puts 'ready'
  $stdout.flush
end
