# A client made with Mojo::UserAgent: perl echo_client.pl URL
use strict;
use warnings;
use utf8;
use Mojo::UserAgent;
use Mojo::IOLoop;

my @messages = ('from Perl', 'Grüße, 世界', '', {binary => "\x00\x01\xfe\xff"}, 'again and ' x 500);
my $agent = Mojo::UserAgent->new;
$agent->websocket($ARGV[0] => sub {
    my (undef, $tx) = @_;
    die 'no WebSocket' unless $tx->is_websocket;
    $tx->on(message => sub {
        return $tx->send(shift @messages) if @messages;
        $tx->finish(1000, 'done');
    });
    # The Close is still to be written when this is called.
    $tx->on(finish => sub { Mojo::IOLoop->timer(0.5 => sub { Mojo::IOLoop->stop }) });
    $tx->send(shift @messages);
});
Mojo::IOLoop->start;
