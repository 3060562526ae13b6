//! `/docs`: the OpenAPI document as a page for people. Made once when the server starts, from the same document that programs
//! read; no script, and nothing that comes from elsewhere, so it is as good without a network.

pub(crate) mod openapi;
mod shape;

use maud::{Markup, html};
use serde_json::Value;

use crate::http::preferences::Preferences;
use crate::page::frame;
use shape::Shapes;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// One route and method.
struct Operation<'d> {
    path: &'d str,
    method: &'d str,
    said: &'d Value,
}

impl<'d> Operation<'d> {
    fn id(&self) -> &'d str {
        text(&self.said["operationId"])
    }

    fn tag(&self) -> &'d str {
        text(&self.said["tags"][0])
    }
}

/// The page of this document.
pub(crate) fn render(document: &Value) -> String {
    let shapes = Shapes::of(document);
    let operations: Vec<_> = operations(document).collect();
    let tags: Vec<_> = document["tags"].as_array().into_iter().flatten().collect();
    let info = &document["info"];
    let body = html! {
        header class="top" { a class="brand" href="/" { "Prompt Manager" } }
        header class="about" {
            h1 { (text(&info["title"])) " API" }
            (prose(text(&info["description"])))
            p {
                "Version " (text(&info["version"])) ". Programs read "
                a href="/openapi.json" { "openapi.json" } "."
            }
        }
        nav aria-label="Contents" {
            @for tag in &tags {
                h2 { a href={ "#about-" (text(&tag["name"])) } { (text(&tag["name"])) } }
                ul {
                    @for operation in operations.iter().filter(|it| it.tag() == text(&tag["name"])) {
                        li { a href={ "#" (operation.id()) } { (signature(operation)) } }
                    }
                }
            }
            h2 { a href="#shapes" { "shapes" } }
        }
        main id="main" {
            section {
                h2 { "Asking" }
                p {
                    "Every request but those that say otherwise sends the token of " code { "run/api.token" }
                    " in the data directory. In the examples it is in " code { "$TOKEN" } ":"
                }
                pre { "TOKEN=$(cat ~/.local/share/prompt-manager/run/api.token)" }
            }
            @for tag in &tags {
                section id={ "about-" (text(&tag["name"])) } {
                    h2 { (text(&tag["name"])) }
                    (prose(text(&tag["description"])))
                    @for operation in operations.iter().filter(|it| it.tag() == text(&tag["name"])) {
                        (described(operation, &shapes))
                    }
                }
            }
            section id="shapes" {
                h2 { "shapes" }
                @for (name, shape) in shapes.named() {
                    article id={ "shape-" (name) } {
                        h3 { (name) }
                        (prose(text(&shape["description"])))
                        (fields(shape, &shapes))
                    }
                }
            }
        }
    };
    frame::whole("API", "docs", Preferences::default(), &body)
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| Some(Operation { path, method, said: item.get(method)? }))
    })
}

fn signature(operation: &Operation<'_>) -> Markup {
    html! { b class="method" { (operation.method.to_uppercase()) } " " code { (operation.path) } }
}

fn described(operation: &Operation<'_>, shapes: &Shapes<'_>) -> Markup {
    let said = operation.said;
    let parameters: Vec<_> = said["parameters"].as_array().into_iter().flatten().collect();
    let body = &said["requestBody"]["content"]["application/json"]["schema"];
    html! {
        article id=(operation.id()) {
            h3 { a href={ "#" (operation.id()) } { (signature(operation)) } }
            p { strong { (text(&said["summary"])) } }
            @if let Some(more) = said["description"].as_str().filter(|more| *more != text(&said["summary"])) { (prose(more)) }
            @if said.get("security").is_none() { p { "Asks for no token." } }
            @if !parameters.is_empty() {
                table {
                    tr { th { "parameter" } th { "value" } th { "meaning" } }
                    @for parameter in parameters {
                        tr {
                            td {
                                code { (text(&parameter["name"])) }
                                @if parameter["in"] == "path" { " " small { "in the path" } }
                                @if parameter["in"] == "header" { " " small { "a header" } }
                                @if parameter["in"] == "query" && parameter["required"] == true { " " small { "required" } }
                            }
                            td { (shapes.kind(&parameter["schema"])) }
                            td { (prose(text(&parameter["description"]))) }
                        }
                    }
                }
            }
            @if !body.is_null() {
                p { "Body: " (shapes.kind(body)) }
                (fields(body, shapes))
            }
            pre { (example_request(operation, shapes)) }
            @let (errors, answers): (Vec<_>, Vec<_>) =
                said["responses"].as_object().into_iter().flatten().partition(|(status, _)| status.as_str() >= "400");
            @for (status, answer) in answers { (answered(status, answer, shapes)) }
            p class="errors" {
                "Errors: "
                @for (status, answer) in errors { abbr title=(text(&answer["description"])) { (status) } " " }
                "as " (shapes.named_link("Problem")) "."
            }
        }
    }
}

/// What a status means, and an example of the body.
fn answered(status: &str, answer: &Value, shapes: &Shapes<'_>) -> Markup {
    let content = answer["content"].as_object().and_then(|content| content.iter().next());
    html! {
        p {
            b { (status) } " " (prose_line(text(&answer["description"])))
            @if let Some((kind, body)) = content { " " code { (kind) } ", " (shapes.kind(&body["schema"])) }
        }
        @if let Some((kind, body)) = content && kind == "application/json" && body["schema"] != serde_json::json!({"type": "object"}) {
            details { summary { "Example" } pre { (pretty(&shapes.example_of(body))) } }
        }
    }
}

/// The fields of an object, in a table.
fn fields(schema: &Value, shapes: &Shapes<'_>) -> Markup {
    let fields = shapes.fields(schema);
    html! {
        @if !fields.is_empty() {
            table {
                tr { th { "field" } th { "value" } th { "meaning" } }
                @for field in fields {
                    tr {
                        td { code { (field.name) } @if !field.required { " " small { "may be left out" } } }
                        td { (shapes.kind(field.schema)) }
                        td { (prose(text(&field.schema["description"]))) }
                    }
                }
            }
        }
    }
}

fn example_request(operation: &Operation<'_>, shapes: &Shapes<'_>) -> String {
    let mut command = "curl ".to_owned();
    if operation.method != "get" {
        command.push_str(&format!("-X {} ", operation.method.to_uppercase()));
    }
    if operation.said.get("security").is_some() {
        command.push_str("-H \"Authorization: Bearer $TOKEN\" ");
    }
    let content = &operation.said["requestBody"]["content"]["application/json"];
    if !content.is_null() {
        command.push_str(&format!("-H 'Content-Type: application/json' \\\n  -d '{}' ", shapes.example_of(content)));
    }
    let path = operation.path.replace("{id}", "12").replace(['{', '}'], "");
    command.push_str(&format!("'http://localhost:8765{path}'"));
    command
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Paragraphs, with what stands between backticks as code.
fn prose(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n").filter(|text| !text.is_empty()) { p { (prose_line(paragraph)) } } }
}

fn prose_line(text: &str) -> Markup {
    html! { @for (i, piece) in text.split('`').enumerate() { @if i % 2 == 1 { code { (piece) } } @else { (piece) } } }
}

/// The text of a value that is one, else nothing.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_shape_is_on_the_page() {
        let document = serde_json::to_value(crate::routes::document()).unwrap();
        let page = render(&document);
        for operation in operations(&document) {
            assert!(page.contains(&format!("<article id=\"{}\">", operation.id())), "{}", operation.id());
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("<article id=\"shape-{name}\">")), "{name}");
        }
        // Each link leads somewhere on the page.
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{target}\"")), "nothing is called {target}");
        }
        let mut ids = std::collections::BTreeSet::new();
        for id in page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(ids.insert(id), "two things are called {id}");
        }
        assert!(!page.contains(" style="), "the policy forbids it");
        assert!(!page.contains("src=\"http") && !page.contains("url("), "nothing comes from elsewhere");
    }

    #[test]
    fn what_stands_in_the_document_is_text() {
        assert_eq!(prose("a `<b>`\n\nc & d").into_string(), "<p>a <code>&lt;b&gt;</code></p><p>c &amp; d</p>");
    }
}
