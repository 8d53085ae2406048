"""Facts of a commit that stand beside the suites' outcomes: is it wired in, do its own tests hold, what it changed and cost."""
