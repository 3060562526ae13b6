//! The pages as a browser without a script gets them: over HTTP, with the cookie of a login. What the script adds is in
//! `browser`.

mod commands; // what pages tell a person to type
mod conversation; // one prompt and what came of it, with large parts, pictures, copies
mod forms; // what is sent back is taken only from a page of ours
mod health; // how it is going, and the way back of what failed
mod insights; // the figures as pictures and files
mod library; // what is worth keeping
mod session; // one session: cut, joined, renamed, and a long one in pages
mod timeline; // the list, its filters, the searches that are kept, the first start

use harness::{Client, Response, Server, World, encode};

/// A browser that was let in.
struct Tab<'s> {
    server: &'s Server,
    host: String,
    cookie: String,
}

impl<'s> Tab<'s> {
    /// Lets it in by a link that works once.
    fn open(world: &World, server: &'s Server) -> Self {
        let (_, cookie) = crate::security::let_in(world, server);
        Self { server, host: format!("prompt-manager.localhost:{}", server.address().port()), cookie }
    }

    /// A page.
    fn get(&self, path: &str) -> Response {
        let headers = [("Authorization", ""), ("Host", &self.host), ("Cookie", &self.cookie), ("Accept", "text/html")];
        self.server.request("GET", path, &headers)
    }

    /// The text of a page, which is there.
    fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.text()
    }

    /// The token that the forms of a page carry.
    fn token(&self) -> String {
        let page = self.page("/");
        let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
        rest.split('"').next().expect("its end").to_owned()
    }

    /// Sends a form with these fields and the token, as a browser does from a page of ours.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.token();
        self.send(path, &[&[("token", &*token), ("back", "/")], fields].concat())
    }

    /// Sends a form with just these fields.
    fn send(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let origin = format!("http://{}", self.host);
        let headers = [
            ("Host", &*self.host),
            ("Cookie", &self.cookie),
            ("Origin", &origin),
            ("Sec-Fetch-Site", "same-origin"),
            ("Accept", "text/html"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        Client::to(self.server.address(), None).send("POST", path, &headers, pairs.join("&").as_bytes())
    }
}
