//! An ingester in this process whose passes go on one step at a time: between two steps whoever holds it decides what else
//! happens, who goes on, and who dies.
//!
//! Each pass has a thread of its own, which waits at each step to be told what to do. So of all ingesters of a test one moves at
//! a time, and the same orders give the same story.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use ingest::error::Error;
use ingest::pass::{self, Context, Effort};
use ingest::report::PassReport;
use ingest::step::Step;
use settings::Settings;

/// An ingester: idle, or somewhere in a pass.
pub struct Ingester {
    settings: Settings,
    /// What outlives its passes; the thread of a pass has it meanwhile.
    context: Option<Context>,
    pass: Option<Pass>,
}

struct Pass {
    thread: JoinHandle<(Context, Result<PassReport, Error>)>,
    steps: Receiver<Step>,
    orders: SyncSender<ControlFlow<()>>,
    at: Step,
}

/// Where an ingester is after it was told to go on.
#[derive(Debug)]
pub enum At {
    /// At this step, and waits there.
    Step(Step),
    /// Behind its pass, which ended so.
    End(Result<PassReport, Error>),
}

impl Ingester {
    /// One that has not done anything yet.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), context: None, pass: None }
    }

    /// Where its pass waits; `None` while it has none.
    pub fn step(&self) -> Option<Step> {
        self.pass.as_ref().map(|pass| pass.at)
    }

    /// Between two passes, what outlives them.
    ///
    /// # Panics
    /// When there is a pass.
    pub fn context(&mut self) -> &mut Context {
        assert!(self.pass.is_none(), "an ingester is asked for what its pass has");
        self.context.get_or_insert_with(|| context(&self.settings))
    }

    /// Begins a pass, and goes to its first step.
    ///
    /// # Panics
    /// When there is a pass already, or this one does.
    pub fn begin(&mut self, now: SystemTime, effort: Effort) -> At {
        assert!(self.pass.is_none(), "an ingester begins a pass in its pass");
        let mut context = self.context.take().unwrap_or_else(|| context(&self.settings));
        let (told, steps) = sync_channel(0);
        let (orders, ordered) = sync_channel(0);
        let thread = thread::spawn(move || {
            let mut observe = move |step| match told.send(step) {
                Ok(()) => ordered.recv().unwrap_or(ControlFlow::Break(())),
                Err(_) => ControlFlow::Break(()),
            };
            let done = pass::run(&mut context, now, effort, &mut observe);
            (context, done)
        });
        self.wait(Pass { thread, steps, orders, at: Step::Scanned })
    }

    /// Goes to the next step of its pass, or to its end.
    ///
    /// # Panics
    /// When there is no pass, or when it does.
    pub fn go_on(&mut self) -> At {
        let pass = self.pass.take().expect("an ingester goes on in a pass");
        let _ = pass.orders.send(ControlFlow::Continue(()));
        self.wait(pass)
    }

    /// Goes on until it is at `step`; whether it came there before its end.
    ///
    /// # Panics
    /// As [`go_on`](Self::go_on).
    pub fn go_to(&mut self, step: Step) -> bool {
        while self.step().is_some_and(|at| at != step) {
            self.go_on();
        }
        self.step().is_some()
    }

    /// Goes on to the end of its pass, and tells how that was.
    ///
    /// # Panics
    /// As [`go_on`](Self::go_on).
    pub fn finish(&mut self) -> Result<PassReport, Error> {
        loop {
            if let At::End(done) = self.go_on() {
                return done;
            }
        }
    }

    /// Dies where it is, and forgets all it knew. Its files are closed, and its locks free, when this returns; the database is
    /// closed in order, which a real death would not do.
    ///
    /// # Panics
    /// When its pass does.
    pub fn die(&mut self) {
        if let Some(pass) = self.pass.take() {
            let _ = pass.orders.send(ControlFlow::Break(()));
            drop(pass.steps);
            drop(joined(pass.thread));
        }
        self.context = None;
    }

    fn wait(&mut self, pass: Pass) -> At {
        match pass.steps.recv() {
            Ok(step) => {
                self.pass = Some(Pass { at: step, ..pass });
                At::Step(step)
            }
            Err(_) => {
                let (context, done) = joined(pass.thread);
                self.context = Some(context);
                At::End(done)
            }
        }
    }
}

impl Drop for Ingester {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.die();
        }
    }
}

fn context(settings: &Settings) -> Context {
    Context::new(settings, Arc::new(AtomicBool::new(false)))
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
