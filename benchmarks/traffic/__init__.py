"""Synthetic WebSocket traffic: what conversations say, the packets that carry it, the files.

The data goes `contents` -> `sends` (`websocket`, `background`) -> `packets` -> `timeline` ->
`headers` -> `files`; `profiles` says what is in a file, `truth` counts it, `generator` runs it.
"""
