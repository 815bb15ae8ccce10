"""The demo observatory: a made-up log of several nights, its simulated frames, and the client that submits them."""
