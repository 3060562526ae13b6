//! Pages that end because the texts on them are long: joined they are the same as those that do not.

use super::*;
use crate::veil::Veil;

/// Bytes of texts that a page takes in.
const ROOM: usize = 4_000;

fn filled_store() -> (Store, Vec<i64>) {
    let store = Store::new();
    let mut seed = Seed(11);
    let mut long = Vec::new();
    for nth in 0..40 {
        let mut told = Told { session: "s".into(), tool: 1, time: seed.below(25) as i64, ..Told::default() };
        told.rating = seed.one_in(2).then(|| 1 + seed.below(5) as i64);
        told.prompt = if nth % 2 == 0 { "load it".into() } else { "no more".into() };
        told.answer = if nth % 3 == 0 { "load load".into() } else { "load".into() };
        // Some alone are more than a page takes, by what was asked or by what was answered.
        if nth % 4 == 1 {
            let text = if seed.one_in(2) { &mut told.prompt } else { &mut told.answer };
            text.push_str(&" x".repeat(1_000 + seed.below(2_000)));
        }
        let is_long = told.prompt.len() + told.answer.len() > ROOM;
        write(&store, &mut told);
        long.extend(is_long.then_some(told.id));
    }
    store.refile();
    (store, long)
}

#[test]
fn pages_of_long_texts_are_short_and_nothing_is_lost() {
    let (store, long) = filled_store();
    assert!(long.len() > 1, "{long:?}");
    let scratch = Scratch::new().unwrap();
    let asked = Asked { conn: &store.conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &Veil::default() };
    let length = |item: &Listed| {
        [&item.turn.prompt_text, &item.turn.response_text].into_iter().flatten().map(String::len).sum::<usize>()
    };
    let walked = |request: &ListRequest, bounds: Bounds| {
        let (mut request, mut found, mut short) = (request.clone(), Vec::new(), 0);
        loop {
            let page = page_within(asked, &request, bounds).unwrap();
            let lengths: Vec<_> = page.items.iter().map(length).collect();
            // What was there before the last one left room for it.
            let before: usize = lengths.iter().rev().skip(1).sum();
            assert!(before <= bounds.room.0, "{lengths:?}");
            if page.next.is_some() && !lengths.is_empty() && lengths.len() < request.limit as usize {
                short += 1;
            }
            found.extend(page.items.iter().map(|item| item.turn.id.0));
            request.after = page.next;
            if page.next.is_none() {
                return (found, short);
            }
        }
    };
    let bounds = |patience| Bounds { patience, room: Room(ROOM) };
    for sort in [Sort::Time, Sort::Rating, Sort::Length, Sort::Tokens, Sort::Cost, Sort::Relevance] {
        for direction in [Direction::Descending, Direction::Ascending] {
            for typed in ["load", ""] {
                for limit in [1, 3, 7, 50] {
                    let request = ListRequest { sort, direction, limit, ..searched(typed) };
                    let (expected, _) = walked(&request, Bounds::PAGE);
                    assert_eq!(expected.len(), 40, "{request:?}");
                    let (found, short) = walked(&request, bounds(PATIENCE));
                    assert_eq!(found, expected, "{request:?}");
                    assert!(limit < 50 || short > 2, "{short}: {request:?}");
                    // Whoever wants the beginnings alone gets full pages.
                    let begun = ListRequest { texts: Texts::Begun, ..request.clone() };
                    let (found, short) = walked(&begun, Bounds::PAGE);
                    assert_eq!((found, short), (expected, 0), "{request:?}");
                    // Stretches of one row, and no time: what is found is all there is, each once.
                    let (mut found, _) = walked(&request, bounds(Duration::ZERO));
                    found.sort_unstable();
                    assert_eq!(found, (1..=40).collect::<Vec<_>>(), "{request:?}");
                }
            }
        }
    }
}

/// A page that ends early goes on among those that were ranked for it, whatever comes in meanwhile.
#[test]
fn a_short_page_goes_on_in_its_own_stretch() {
    let (store, _) = filled_store();
    let scratch = Scratch::new().unwrap();
    let asked = Asked { conn: &store.conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &Veil::default() };
    let mut request = ListRequest { sort: Sort::Relevance, ..searched("load") };
    let all = page(asked, &request).unwrap();
    let bounds = Bounds { room: Room(ROOM), ..Bounds::PAGE };
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = page_within(asked, &request, bounds).unwrap();
        found.extend(page.items.iter().map(|item| item.turn.id.0));
        assert_eq!(page.ranked, Some(40));
        pages += 1;
        // Better than all of them; of many, the word would become less rare.
        if pages == 1 {
            let told = Told { session: "s".into(), tool: 1, time: 1_000, ..Told::default() };
            write(&store, &mut Told { prompt: "load load".into(), answer: "load".into(), ..told });
            store.refile();
        }
        request.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert!(pages > 3, "{pages}");
    assert_eq!(found, all.items.iter().map(|item| item.turn.id.0).collect::<Vec<_>>());
}
