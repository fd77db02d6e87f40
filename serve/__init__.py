"""Serving: the deployments on Ray Serve, HTTP and the page; a thin shell over smm4h_core."""
