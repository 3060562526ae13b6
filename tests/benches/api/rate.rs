//! Answers a second with four connections that ask without pause, ours and the least that is possible in turn.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use harness::{Client, Figure, Server};

use crate::hello;

const CONNECTIONS: usize = 4;
const LIST: &str = "/api/conversations";

pub(crate) fn table(server: &Server, time: Duration) {
    let list = server.client().get(LIST).body;
    let (small, same) = (hello::serve(b"hello".to_vec()), hello::serve(list.clone()));
    let of = |address: SocketAddr, path: &str| rate(&|| Client::to(address, server.token()), path, time);
    // One after the other and again, so that the noise of the machine falls on all alike.
    let mut sums = [0.0; 4];
    const TURNS: usize = 3;
    for _ in 0..TURNS {
        sums[0] += of(small, "/");
        sums[1] += of(same, "/");
        sums[2] += of(server.address(), "/healthz");
        sums[3] += of(server.address(), LIST);
    }
    let [small, same, health, list_rate] = sums.map(|sum| sum / TURNS as f64);
    println!("\n{CONNECTIONS} connections without pause{:>31}{:>14}", "answers/s", "beside hello");
    for (what, rate) in [
        ("hyper, hello".to_owned(), small),
        (format!("hyper, the list's {} KiB from memory", list.len() / 1024), same),
        ("ours, healthz".to_owned(), health),
        ("ours, list of 50".to_owned(), list_rate),
    ] {
        println!("{what:<46}{rate:>11.0}{:>13.2} x", rate / small);
    }
    println!("the list is {:.2} x the same bytes from memory", list_rate / same);
    Figure::new("lists of 50, four connections", list_rate, "lists/s").beside("hyper says hello", small).tell();
}

fn rate(client: &(dyn Fn() -> Client + Sync), path: &str, time: Duration) -> f64 {
    let begin = Instant::now();
    let answered: usize = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let (mut client, mut answered) = (client(), 0);
                    while begin.elapsed() < time {
                        assert_eq!(client.get(path).status, 200, "GET {path}");
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        asking.into_iter().map(|thread| thread.join().expect("it asks to the end")).sum()
    });
    answered as f64 / begin.elapsed().as_secs_f64()
}
