// Runs before anything is painted: tells the style sheet that scripts run.
document.documentElement.classList.replace("no-js", "js");
