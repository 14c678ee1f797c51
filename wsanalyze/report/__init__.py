"""A report of captures as one HTML file that needs nothing else: its data, and its page."""
