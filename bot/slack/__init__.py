"""Slack: cards, actions, home, delivery."""
