#!/usr/bin/perl
# A client of Hixie-75 and -76 made with Perl's Protocol::WebSocket.
#
#   perl hixie_client.pl HOST PORT TARGET OPTIONS MESSAGES
#
# OPTIONS, in JSON: `version` (hixie-75, hixie-76), `subprotocol`, `late` (seconds that the eight bytes
# behind the head are held back), `bare` (without the Content-Length that the library gives them),
# `patience` (seconds to wait for an answer), `waits` (for the server to
# close). Each of MESSAGES, in JSON, is sent, and its echo waited for. Then the client closes.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8 decode_utf8);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Protocol::WebSocket::Frame;
use Protocol::WebSocket::Handshake::Client;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

my ($host, $port, $target, $options, $messages) = @ARGV;
$options = decode_json($options);
$messages = decode_json($messages);
my %DRAFTS = ('hixie-75' => 'draft-hixie-75', 'hixie-76' => 'draft-ietf-hybi-00');
my $version = $options->{version};
my $json = JSON::PP->new->canonical->ascii->allow_nonref;
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp') or die $!;
$socket->sockopt(1, 1);
open(my $journal, '>>', $ENV{JOURNAL}) or die $!;
$journal->autoflush(1);
my $ended = 0;

# Writes one event, as recording/journal.py does.
sub note {
    my ($event, %facts) = @_;
    my %line = (
        time => int(clock_gettime(CLOCK_MONOTONIC) * 1e9), side => 'client', sees_control => JSON::PP::true,
        client_ip => $socket->sockhost, client_port => $socket->sockport + 0,
        server_ip => $socket->peerhost, server_port => $socket->peerport + 0,
        exchange => 0, event => $event, %facts);
    print $journal $json->encode(\%line), "\n";
}

sub message {
    my ($sender, $bytes) = @_;
    note('message', sender => $sender, type => 'text', length => length($bytes), sha256 => sha256_hex($bytes),
        frames => 1, compressed => JSON::PP::false);
}

sub closing {
    my ($sender) = @_;
    note('control', sender => $sender, type => 'close', length => 0, code => undef, reason => undef);
}

# Returns what the server sent next, an empty string at the end or when patience is over.
sub receive {
    my $select = IO::Select->new($socket);
    return '' unless $select->can_read($options->{patience} // 10);
    my $read = sysread($socket, my $bytes, 65536);
    return $bytes if $read;
    $ended = 1;
    note('eof', by => 'server');
    return '';
}

my $subprotocol = $options->{subprotocol};
my $handshake = Protocol::WebSocket::Handshake::Client->new(
    url => "ws://$host:$port$target", version => $DRAFTS{$version});
$handshake->req->origin('http://example.test');
$handshake->req->subprotocol($subprotocol) if defined $subprotocol;
my $request = $handshake->to_string;
$request =~ s/Content-Length: 8\r\n// if $options->{bare};
note('request', target => $target, version => $version, extensions_offered => [],
    subprotocols_offered => defined $subprotocol ? [$subprotocol] : []);
my $held = $options->{late} ? 8 : 0;
syswrite($socket, substr($request, 0, length($request) - $held));
if ($held) {
    sleep($options->{late});
    syswrite($socket, substr($request, -$held));
}
print "ready\n";

# The status line is this program's own to read: the library refuses whatever is not 101.
my ($seen, $rest, $refused) = ('', '', 0);
until ($handshake->is_done || $handshake->error) {
    my $bytes = receive();
    last if $bytes eq '';
    my $had = $seen;
    $seen .= $bytes;
    if ($seen =~ /\r\n\r\n/ && $had !~ /\r\n\r\n/) {
        my ($status) = $seen =~ /^HTTP\/1\.[01] (\d+)/;
        my ($chosen) = $seen =~ /WebSocket-Protocol: *([^\r]*)/i;
        note('response', status => $status + 0, subprotocol => $chosen, extensions => []);
        last if $status != 101;
    }
    # It dies of an answer that is not of Hixie-76.
    $refused = 1 unless eval { $handshake->parse($bytes); 1 };
    last if $refused;
    $rest = $bytes;
}
my $answered = $handshake->is_done || $handshake->error || $refused;
note('unanswered') if $seen =~ /^HTTP\S+ 101/ && !$answered;
if ($handshake->is_done && !$handshake->error && !$refused) {
    note('open');
    my $frame = $handshake->build_frame;
    $frame->append($rest);
    for my $text (@$messages) {
        my $bytes = encode_utf8($text);
        message('client', $bytes);
        syswrite($socket, $handshake->build_frame(buffer => $bytes)->to_bytes);
        my $echo;
        until (defined($echo = $frame->next_bytes)) {
            my $more = receive();
            last if $more eq '';
            $frame->append($more);
        }
        message('server', $echo) if defined $echo && $frame->opcode == 1;
    }
    if ($version eq 'hixie-76' && !$options->{waits}) {
        closing('client');
        syswrite($socket, $handshake->build_frame(type => 'close')->to_bytes);
    }
    # Hixie-75 has no closing handshake.
    while ($version eq 'hixie-76' && !$ended) {
        my $closed = defined $frame->next_bytes && $frame->opcode == 8;
        closing('server') if $closed;
        last if $closed && $options->{waits};
        my $more = receive();
        last if $more eq '' && !$ended;
        $frame->append($more);
    }
}
close($socket);
