"""From a file and its survey card to a survey: codes stay codes, labels stand beside them."""
