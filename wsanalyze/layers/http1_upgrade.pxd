from wsanalyze.layers.http1_exchanges cimport Exchanges
from wsanalyze.layers.http1_half cimport CHALLENGE, HEAD, Half
from wsanalyze.layers.old_session cimport OldSession
from wsanalyze.layers.session cimport Session
