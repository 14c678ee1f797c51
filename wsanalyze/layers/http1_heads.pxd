from wsanalyze.layers.http1_exchanges cimport HTTP, Exchanges
from wsanalyze.layers.http1_half cimport CHALLENGE, EARLY, HEAD, LENGTH, Half
