# An echo server made with Mojolicious: perl echo_server.pl PORT
use strict;
use warnings;
use Mojolicious::Lite -signatures;
use Mojo::Server::Daemon;

websocket '/*any' => sub ($c) {
    $c->on(text   => sub ($c, $bytes) { $c->send({text   => $bytes}) });
    $c->on(binary => sub ($c, $bytes) { $c->send({binary => $bytes}) });
};

app->log->level('fatal');
my $port = shift @ARGV;
Mojo::Server::Daemon->new(app => app, listen => ["http://127.0.0.1:$port"], silent => 1)->run;
