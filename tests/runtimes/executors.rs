//! Executors that bring no sockets or timers, or whose own are not used.

use futures::{executor, executor::LocalPool, task::LocalSpawnExt};

use crate::client::{run, run_on};

#[test]
fn it_runs_on_block_on_of_futures() {
    run_on(|dialer, clock| executor::block_on(run(dialer, clock)));
}

#[test]
fn it_runs_as_a_task_of_a_local_pool() {
    run_on(|dialer, clock| {
        let mut pool = LocalPool::new();
        let task = pool.spawner().spawn_local_with_handle(run(dialer, clock)).unwrap();
        pool.run_until(task)
    });
}

#[test]
fn it_runs_on_block_on_of_smol() {
    run_on(|dialer, clock| smol::block_on(run(dialer, clock)));
}

#[test]
fn it_runs_as_a_task_of_smol_on_whichever_thread() {
    run_on(|dialer, clock| smol::block_on(smol::spawn(run(dialer, clock))));
}

#[test]
fn it_runs_as_a_task_of_async_global_executor() {
    run_on(|dialer, clock| {
        async_global_executor::block_on(async_global_executor::spawn(run(dialer, clock)))
    });
}
