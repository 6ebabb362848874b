"""Recording of single requests, for the middlewares `wsgi`, `asgi` and `django`."""
