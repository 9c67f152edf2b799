"""From a history to response curves with their doubt: priors, two models, one fitter."""
