"""What Prometheus is told, the alerts that follow from it, and the dashboard."""
