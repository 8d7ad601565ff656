// htmx would write an inline style, which the pages' policy refuses; it reads this once the page has loaded.
htmx.config.includeIndicatorStyles = false;
