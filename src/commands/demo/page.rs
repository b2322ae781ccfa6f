//! The demo's page: numbered steps, the commands they run, what those said.

use anstyle::{AnsiColor, Style};
use std::cell::Cell;

const TITLE: Style = Style::new().bold();
const COMMAND: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// Writes to standard output as the demo goes.
pub(super) struct Page {
    steps: Cell<usize>,
}

impl Page {
    pub fn new() -> Page {
        Page { steps: Cell::new(0) }
    }

    pub fn opening(&self) {
        anstream::println!("{TITLE}Ferrotape{TITLE:#} records what a program says to AWS, replays it without AWS, and holds every");
        anstream::println!("request against the service's own model. This page does all of it, for AWS Proton");
        anstream::println!("CreateServiceInstance and AWS Service Catalog CreateProvisioningArtifact.");
    }

    pub fn step(&self, title: &str) {
        self.steps.set(self.steps.get() + 1);
        anstream::println!("\n{TITLE}{}. {title}{TITLE:#}", self.steps.get());
    }

    pub fn command(&self, command: &str) {
        anstream::println!("   {COMMAND}$ {command}{COMMAND:#}");
    }

    pub fn output(&self, text: &str) {
        for line in text.lines() {
            anstream::println!("   {FAINT}│{FAINT:#} {line}");
        }
    }

    pub fn text(&self, text: &str) {
        anstream::println!("   {text}");
    }

    pub fn closing(&self) {
        anstream::println!(
            "\n{TITLE}All {} steps did what they say.{TITLE:#} On your own tests:",
            self.steps.get()
        );
        for (command, what) in [
            ("ferrotape record -c orders -- pytest tests/", "once, with AWS credentials"),
            ("ferrotape replay -c orders -- pytest tests/", "from then on, offline"),
            ("ferrotape verify", "judge every cassette again"),
            (
                "ferrotape synth proton CreateServiceInstance -c proton",
                "where there is nothing to record from",
            ),
        ] {
            anstream::println!("   {COMMAND}{command:<56}{COMMAND:#} {FAINT}# {what}{FAINT:#}");
        }
    }
}
