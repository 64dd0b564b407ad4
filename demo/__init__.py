"""What the web page is made of; `app.py` puts it together."""
