"""Statistics and tests beyond means and shares: verbs that surveys and estimates lend."""
