mod actions;
mod matching;
mod passing;
mod rules;
mod severing;
mod site;
mod switching;
