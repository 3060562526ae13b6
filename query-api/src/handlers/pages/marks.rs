//! `POST /conversations/{id}/marks`: what a person says of a prompt, from a form of a page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use store::ConversationId;
use store::annotate::{Change, Expected, TagChange};
use store::human::{Note, Rating, Tag, same_tag};

use crate::access::form::{Back, Form};
use crate::handlers::ratings::{LARGEST, named};
use crate::http::extract::{Id, Query, no_conversation};
use crate::http::problem::Problem;
use crate::page::marks::noted;
use crate::state::db::Database;

/// What shall be different; a field that is not there stays as it is.
#[derive(Debug, Deserialize)]
pub(crate) struct MarksForm {
    back: Back,
    #[serde(default)]
    rating: Option<RatingText>,
    #[serde(default)]
    star: Option<bool>,
    #[serde(default)]
    tags: Option<TagsText>,
    /// The tags that the form began with.
    #[serde(default)]
    had: Option<TagsText>,
    #[serde(default)]
    notes: Option<NoteText>,
    /// The note that the form began with, as [`noted`] tells it from others.
    #[serde(default)]
    noted: Option<String>,
}

/// A rating; nothing takes it back.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct RatingText(Option<Rating>);

impl TryFrom<String> for RatingText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let rating = text.parse().ok().and_then(Rating::new);
        rating.map(|rating| Self(Some(rating))).ok_or("must be a whole number from 1 to 5")
    }
}

/// Tags between commas; blanks alone are none.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct TagsText(Vec<Tag>);

impl TagsText {
    /// What was taken off and put to those that a form began with. What others changed meanwhile stays.
    fn change(self, had: Option<Self>) -> TagChange {
        let Some(Self(had)) = had else { return TagChange::Set(self.0) };
        let has = |tags: &[Tag], tag: &Tag| tags.iter().any(|one| same_tag(one.as_str(), tag.as_str()));
        TagChange::Edit {
            remove: had.iter().filter(|tag| !has(&self.0, tag)).cloned().collect(),
            add: self.0.iter().filter(|tag| !has(&had, tag)).cloned().collect(),
        }
    }
}

impl TryFrom<String> for TagsText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        let tags: Vec<_> = tags.map(Tag::parse).collect::<Result<_, _>>().map_err(|unfit| unfit.to_string())?;
        if tags.len() > Tag::MOST {
            return Err(format!("must not be more than {}", Tag::MOST));
        }
        Ok(Self(tags))
    }
}

/// A note; nothing takes it back.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct NoteText(Option<Note>);

impl TryFrom<String> for NoteText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // A browser sends the lines of a text as a form from 1995 has them.
        Note::parse(&text.replace("\r\n", "\n")).map(Self).map_err(|unfit| unfit.to_string())
    }
}

impl From<MarksForm> for Change {
    fn from(form: MarksForm) -> Self {
        Self {
            rating: form.rating.map(|rating| rating.0),
            tags: form.tags.map(|tags| tags.change(form.had)),
            notes: form.notes.map(|note| note.0),
            starred: form.star,
        }
    }
}

/// `POST /conversations/{id}/marks`.
pub(crate) async fn change(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
    Form(form): Form<MarksForm, LARGEST>,
) -> Result<Response, Problem> {
    let id = named(&database, id).await?;
    let expected = match &form.noted {
        Some(seen) => state(&database, id, seen).await?,
        None => Expected::Any,
    };
    let (back, change) = (form.back.clone(), Change::from(form));
    database.annotate(move |annotator, now_ms| annotator.mark(id, &change, &expected, now_ms)).await?;
    Ok(back.answer())
}

/// The state in which the note is the one that was seen; in no other it is written over.
async fn state(database: &Database, id: ConversationId, seen: &str) -> Result<Expected, Problem> {
    match database.ask::<_, Problem>(move |reader| reader.marks(id)).await? {
        Some((survivor, marks)) if noted(marks.note().as_deref()) == seen => {
            Ok(Expected::Version(vec![marks.version(survivor)]))
        }
        Some(_) => Err(Problem::new(
            StatusCode::CONFLICT,
            "Your note is not saved: it was changed elsewhere meanwhile. Go back and copy what you typed, load the page \
             again, and put it to what the note says now.",
        )),
        None => Err(no_conversation(id.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::read_query;

    #[test]
    fn forms() {
        let check = |form: &str, expected: &str| {
            let found = match read_query::<MarksForm>(&format!("back=/&{form}")).map(Change::from) {
                Ok(change) => format!("{change:?}"),
                Err(problem) => problem.detail,
            };
            assert!(found.contains(expected), "{form}: {found}");
        };
        check("", "rating: None, tags: None, notes: None, starred: None");
        check("rating=4", "rating: Some(Some(Rating(4)))");
        check("rating=", "rating: Some(None)");
        check("tags=a,+b+,,", "tags: Some(Set([Tag(\"a\"), Tag(\"b\")]))");
        check("tags=", "tags: Some(Set([]))");
        check("tags=a,C&had=A,b", "tags: Some(Edit { add: [Tag(\"C\")], remove: [Tag(\"b\")] })");
        check("tags=&had=", "tags: Some(Edit { add: [], remove: [] })");
        check("notes=one%0D%0Atwo", "one\\ntwo");
        check("notes=", "notes: Some(None)");
        check("star=true", "starred: Some(true)");
        check("rating=6", "`rating` must be a whole number from 1 to 5.");
        check("star=maybe", "`star` must be true or false.");
        check("tags=a%00", "`tags` ");
        check("back=//evil.example", "`back` ");
    }
}
