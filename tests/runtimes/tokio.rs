//! tokio, with the sockets and timers of async-io, and with tokio's own timers.

use ::tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
};

use crate::client::{run, run_on};

/// Neither has tokio's own sockets or timers: nothing here needs them.
fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

#[test]
fn it_runs_on_one_thread_of_tokio() {
    run_on(|dialer, clock| current_thread().block_on(run(dialer, clock)));
}

#[test]
fn it_runs_as_a_local_task_of_tokio() {
    run_on(|dialer, clock| {
        let local = LocalSet::new();
        let task = local.spawn_local(run(dialer, clock));
        local.block_on(&current_thread(), task).unwrap()
    });
}

#[test]
fn it_runs_as_a_task_of_tokio_on_whichever_thread() {
    run_on(|dialer, clock| {
        let runtime = multi_thread();
        let task = runtime.spawn(run(dialer, clock));
        runtime.block_on(task).unwrap()
    });
}

#[cfg(feature = "tokio")]
mod with_its_own_timers {
    use steadfast::transport::{Dialer, TokioClock};

    use super::*;

    #[test]
    fn it_runs_on_one_thread() {
        run_on(|dialer, _| {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async { run(dialer, TokioClock::try_current().unwrap()).await })
        });
    }

    #[test]
    fn it_runs_as_a_task_on_whichever_thread() {
        run_on(|dialer, _| {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build();
            let runtime = runtime.unwrap();
            let task = runtime.spawn(run(dialer, TokioClock::new(runtime.handle())));
            runtime.block_on(task).unwrap()
        });
    }

    #[test]
    fn the_timers_of_a_runtime_serve_a_connection_that_another_executor_polls() {
        run_on(|dialer, _| {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build();
            let runtime = runtime.unwrap();
            smol::block_on(run(dialer, TokioClock::new(runtime.handle())))
        });
    }

    #[test]
    fn a_clock_outside_a_runtime_is_an_error() {
        let error = TokioClock::try_current().unwrap_err();
        assert!(error.is_missing_context(), "{error}");
    }

    #[test]
    #[should_panic = "timers are disabled"]
    fn a_runtime_without_timers_is_told_at_once() {
        TokioClock::new(current_thread().handle());
    }

    #[test]
    #[should_panic = "being shutdown"]
    fn a_clock_does_not_outlive_its_runtime() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let clock = TokioClock::new(runtime.handle());
        drop(runtime);
        smol::block_on(run(Dialer::new("ws://127.0.0.1:9/").unwrap(), clock));
    }
}
