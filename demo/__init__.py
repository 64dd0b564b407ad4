"""The parts of the web page; `app.py` assembles them."""
