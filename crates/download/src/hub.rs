//! The model hub: its address, its token, and the addresses of its files.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
};

use cortensor_models::manifest::Source;
use reqwest::Url;

use crate::DownloadError;

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// The hub that is asked.
#[derive(Clone, Debug)]
pub struct Hub {
    endpoint: Url,
    token: Option<Token>,
}

/// A user's token. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Hub {
    /// The hub at an address.
    pub fn new(endpoint: &str, token: Option<Token>) -> Result<Self, DownloadError> {
        let wrong = || DownloadError::Endpoint { endpoint: endpoint.to_owned() };
        let endpoint = Url::parse(endpoint.trim_end_matches('/')).map_err(|_| wrong())?;
        let usable = matches!(endpoint.scheme(), "https" | "http") && endpoint.has_host();
        if usable { Ok(Self { endpoint, token }) } else { Err(wrong()) }
    }

    /// The hub that `HF_ENDPOINT` names, with the token in `HF_TOKEN` or, without one, that which the hub's own client keeps
    /// in a file of the user whose `home` this is.
    pub fn of_user(home: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, DownloadError> {
        let text = |name| variable(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty());
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        let kept = || fs::read_to_string(token_path(home, variable)?).ok();
        let token = text("HF_TOKEN").or_else(kept).map(|token| token.trim().to_owned());
        Self::new(&endpoint, token.filter(|token| !token.is_empty()).map(Token::new))
    }

    /// The token, if this address is the hub's own. Without encryption it stays on this machine.
    pub(crate) fn token_for(&self, url: &Url) -> Option<&str> {
        let own = self.is_own(url);
        let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let safe = url.scheme() == "https" || here;
        self.token.as_ref().filter(|_| own && safe).map(|token| token.0.as_str())
    }

    /// Whether an address is the hub's own.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    /// Where a file is.
    pub(crate) fn file(&self, source: &Source, revision: &str, name: &str) -> Result<Url, DownloadError> {
        match source {
            Source::Hub { repository, folder, .. } => {
                let folder = folder.as_ref().map_or_else(String::new, |folder| format!("{folder}/"));
                self.at(&format!("{repository}/resolve/{revision}/{folder}{name}"))
            }
            Source::Url { base } => parse(&format!("{}/{name}", base.trim_end_matches('/'))),
        }
    }

    /// Where the hub lists the files of a folder.
    pub(crate) fn tree(&self, repository: &str, revision: &str, folder: Option<&str>) -> Result<Url, DownloadError> {
        let folder = folder.map_or_else(String::new, |folder| format!("/{folder}"));
        self.at(&format!("api/models/{repository}/tree/{revision}{folder}"))
    }

    fn at(&self, path: &str) -> Result<Url, DownloadError> {
        parse(&format!("{}/{path}", self.endpoint.as_str().trim_end_matches('/')))
    }
}

/// Where the hub's own client keeps a user's token.
fn token_path(home: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| home.map(|home| home.join(".cache")));
    let folder = || set("HF_HOME").or_else(|| cache().map(|cache| cache.join("huggingface")));
    set("HF_TOKEN_PATH").or_else(|| folder().map(|folder| folder.join("token")))
}

fn parse(text: &str) -> Result<Url, DownloadError> {
    Url::parse(text).map_err(|_| DownloadError::Endpoint { endpoint: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_for_the_hubs_own_host_and_never_leaves_unencrypted() {
        let cases = [
            ("https://hub.example", "https://hub.example/a/b", true),
            ("https://hub.example", "https://cdn.example/a/b", false),
            ("https://hub.example", "https://hub.example:444/a", false),
            ("https://hub.example", "http://hub.example/a", false),
            ("http://hub.example", "http://hub.example/a", false),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/a", true),
            ("http://127.0.0.1:9", "http://127.0.0.1:10/a", false),
        ];
        for (endpoint, url, has) in cases {
            let hub = Hub::new(endpoint, Some(Token::new("secret"))).unwrap();
            assert_eq!(hub.token_for(&Url::parse(url).unwrap()).is_some(), has, "{endpoint} {url}");
            assert!(!format!("{hub:?}").contains("secret"));
        }
    }

    #[test]
    fn the_environment_names_the_hub_and_nonsense_is_refused() {
        let hub = Hub::of_user(None, &|name| (name == "HF_ENDPOINT").then(|| "https://mirror.example/hf/".into()));
        let source =
            Source::Hub { repository: "a/b".to_owned(), revision: "main".to_owned(), folder: Some("q".to_owned()) };
        let url = hub.unwrap().file(&source, "main", "m.gguf").unwrap();
        assert_eq!(url.as_str(), "https://mirror.example/hf/a/b/resolve/main/q/m.gguf");
        for endpoint in ["hub", "ftp://hub", ""] {
            assert_eq!(Hub::new(endpoint, None).unwrap_err().code(), "endpoint");
        }
    }

    #[test]
    fn the_token_is_that_of_the_environment_or_else_the_one_that_the_hubs_client_keeps() {
        let root = tempfile::tempdir().unwrap();
        let files = [("home/.cache/huggingface/token", "of home\n"), ("hf/token", " of folder "), ("alone", "of path")];
        for (path, token) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, token).unwrap();
        }
        let at = |name: &str| root.path().join(name).into_os_string();
        let cases = [
            (vec![], Some("of home")),
            (vec![("HF_HOME", at("hf"))], Some("of folder")),
            (vec![("HF_HOME", at("hf")), ("HF_TOKEN_PATH", at("alone"))], Some("of path")),
            (vec![("HF_HOME", at("hf")), ("HF_TOKEN", "of variable".into())], Some("of variable")),
            (vec![("HF_HOME", at("nowhere"))], None),
        ];
        for (set, expected) in cases {
            let variable = |asked: &str| set.iter().find(|(name, _)| *name == asked).map(|(_, value)| value.clone());
            let hub = Hub::of_user(Some(&root.path().join("home")), &variable).unwrap();
            assert_eq!(hub.token.map(|token| token.0).as_deref(), expected, "{set:?}");
        }
    }
}
