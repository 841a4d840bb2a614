"""Human coding rounds: sampled, coded on a Label Studio server, pulled back, adjudicated."""
