from wsanalyze.layers.http1_exchanges cimport Exchanges
from wsanalyze.layers.http1_half cimport LOST, Half
