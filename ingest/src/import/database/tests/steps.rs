//! Three stores that learn of the same sessions piece by piece, in any order, from hooks, transcripts and each other, while
//! people say things of what is known just then, hold the same once each has all.

use proptest::prelude::*;
use store::human::Said;

use super::{nothing, remark};
use crate::import::stage::{Machine, Piece, assert_same, pieces_of};

const MACHINES: usize = 3;

/// What happens to a machine.
#[derive(Clone, Debug)]
enum Step {
    /// Its hook or its Claude Code writes a piece; of a transcript so many tenths.
    Get { piece: usize, share: usize },
    /// The ingester runs.
    Pass,
    /// A person says something of a conversation.
    Say { which: usize, at: i64, said: Said },
    /// It takes in another machine's database.
    Import { from: usize },
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        12 => (any::<prop::sample::Index>(), 1..=10_usize)
            .prop_map(|(piece, share)| Step::Get { piece: piece.index(1000), share }),
        3 => Just(Step::Pass),
        4 => remark().prop_map(|(_, which, at, said)| Step::Say { which, at, said }),
        1 => (1..MACHINES).prop_map(|from| Step::Import { from }),
    ];
    (0..MACHINES, step)
}

fn check(scenario: &str, steps: Vec<(usize, Step)>) {
    let pieces = pieces_of(scenario);
    let mut machines: [Machine; MACHINES] = std::array::from_fn(|_| Machine::new());
    let mut shares = [(); MACHINES].map(|()| vec![0; pieces.len()]);
    for (n, (whose, step)) in steps.into_iter().enumerate() {
        match step {
            Step::Get { piece, share } => {
                let at = piece % pieces.len();
                let known = &mut shares[whose][at];
                let is_new = matches!(pieces[at], Piece::File { .. }) || *known == 0;
                if is_new && share > *known {
                    *known = share;
                    machines[whose].get(&pieces[at], share);
                }
            }
            Step::Pass => machines[whose].pass(),
            Step::Say { which, at, said } => {
                let turns = machines[whose].turns();
                if !turns.is_empty() {
                    machines[whose].say(turns[which % turns.len()].id, &format!("row-{n}"), at, said);
                }
            }
            Step::Import { from } => {
                let [to, from] = machines.get_disjoint_mut([whose, (whose + from) % MACHINES]).unwrap();
                to.import(from);
            }
        }
    }
    machines.iter_mut().for_each(Machine::pass);
    let mut rounds = 0;
    while {
        let mut merged = Vec::new();
        for (to, from) in [(0, 1), (1, 2), (2, 0), (0, 2), (2, 1), (1, 0)] {
            let [to, from] = machines.get_disjoint_mut([to, from]).unwrap();
            merged.push(to.import(from));
        }
        rounds += 1;
        assert!(rounds < 6, "{merged:?}");
        !merged.into_iter().all(nothing)
    } {}
    let all: Vec<_> = machines.iter().map(Machine::natural).collect();
    assert_same(&all[0], &all[1], "the first and the second");
    assert_same(&all[1], &all[2], "the second and the third");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn stores_that_learn_step_by_step_end_equal(
        scenario in prop::sample::select(vec!["print-mode", "interactive", "interrupted-and-queued"]),
        steps in proptest::collection::vec(step(), 40..160),
    ) {
        check(scenario, steps);
    }
}
