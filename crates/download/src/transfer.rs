//! One file from one source: missing chunks in several ranges at once, then the whole checked and put in its place.

use std::{ops::Range, path::Path, time::Duration};

use cortensor_protocol::ArtifactDigest;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, StatusCode};
use tokio::task::spawn_blocking;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    DownloadError, Limits, Pace,
    journal::Identity,
    part::Part,
    progress::{Reporter, Stage},
    remote::Remote,
    web::{Answer, Web},
};

/// What a transfer works with.
pub(crate) struct Transfer<'a> {
    pub(crate) web: &'a Web,
    pub(crate) limits: &'a Limits,
    pub(crate) pace: &'a Pace,
    pub(crate) reporter: &'a Reporter,
    pub(crate) stop: &'a CancellationToken,
    /// Writes that are on their way.
    pub(crate) writes: TaskTracker,
    /// Held by the one answer that brings a whole file.
    pub(crate) whole: tokio::sync::Mutex<()>,
}

impl Transfer<'_> {
    /// Gets a file into its place and tells its digest. `expected` is what it must be, where that is known.
    pub(crate) async fn fetch(
        &self,
        remote: &Remote,
        target: &Path,
        expected: Option<ArtifactDigest>,
    ) -> Result<ArtifactDigest, DownloadError> {
        let part = self.open(remote, target, expected).await?;
        self.reporter.change(|progress| progress.done += part.done());
        let got = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(DownloadError::Stopped),
            got = self.get_missing(remote, &part) => got,
        };
        // Writes that were begun end first: whoever takes the file up again must find it still.
        self.writes.close();
        self.writes.wait().await;
        got?;
        self.reporter.stage(Stage::Verifying);
        self.verify(part, target, expected).await
    }

    async fn open(
        &self,
        remote: &Remote,
        target: &Path,
        expected: Option<ArtifactDigest>,
    ) -> Result<Part, DownloadError> {
        let identity = Identity {
            bytes: remote.bytes,
            chunk: self.limits.chunk,
            sha256: expected,
            validator: remote.validator.clone(),
        };
        let (target, stop) = (target.to_owned(), self.stop.clone());
        blocking(move || Part::open(&target, identity, &stop)).await
    }

    async fn verify(
        &self,
        part: Part,
        target: &Path,
        expected: Option<ArtifactDigest>,
    ) -> Result<ArtifactDigest, DownloadError> {
        let (target, stop) = (target.to_owned(), self.stop.clone());
        blocking(move || {
            let found = part.digest(&stop)?;
            match expected.filter(|expected| *expected != found) {
                None => part.finish().map(|()| found),
                Some(expected) => {
                    Part::discard(&target)?;
                    let file = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    Err(DownloadError::Digest { file, expected, found })
                }
            }
        })
        .await
    }

    async fn get_missing(&self, remote: &Remote, part: &Part) -> Result<(), DownloadError> {
        let runs = runs(&part.missing(), self.limits.run);
        let gets: Vec<_> = runs.into_iter().map(|run| self.get_run(remote, part, run)).collect();
        stream::iter(gets).buffer_unordered(self.limits.parallel.max(1)).try_collect::<()>().await
    }

    /// Gets the chunks of a run, with pauses between failures; a failure behind new chunks counts as the first one.
    async fn get_run(&self, remote: &Remote, part: &Part, run: Range<u64>) -> Result<(), DownloadError> {
        let (mut failures, mut next) = (0, run.start);
        loop {
            let error = match self.try_run(remote, part, next..run.end).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let reached = (run.clone()).find(|chunk| !part.has(*chunk)).unwrap_or(run.end);
            failures = if reached > next { 1 } else { failures + 1 };
            next = reached;
            self.pause(failures, error).await?;
        }
    }

    pub(crate) async fn pause(&self, failures: u32, error: DownloadError) -> Result<(), DownloadError> {
        let Some(pause) = self.limits.backoff.pause(failures, &error, rand::random()) else { return Err(error) };
        tracing::debug!(code = error.code(), pause_ms = pause.as_millis(), "a source failed; asking again");
        self.reporter.stage(Stage::Waiting { code: error.code() });
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.stop.cancelled() => Err(DownloadError::Stopped),
        }
    }

    async fn try_run(&self, remote: &Remote, part: &Part, run: Range<u64>) -> Result<(), DownloadError> {
        while let Some(first) = run.clone().find(|chunk| !part.has(*chunk)) {
            let Some(answer) = self.get_range(remote, part, first..run.end).await? else { return Ok(()) };
            // One answer fills everything; the other runs wait for it and then see what is left.
            if let Ok(_guard) = self.whole.try_lock() {
                self.receive(answer, part, 0..part.count(), 0..remote.bytes).await?;
            } else {
                drop(answer);
                drop(self.whole.lock().await);
            }
        }
        Ok(())
    }

    /// Gets a range, or the answer of a server that knows no ranges and sends the whole file.
    async fn get_range(&self, remote: &Remote, part: &Part, run: Range<u64>) -> Result<Option<Answer>, DownloadError> {
        let bytes = part.range(run.start).start..part.range(run.end - 1).end;
        let answer = self.web.ask(Method::GET, &remote.url, Some(bytes.clone())).await?;
        check_same(remote, &answer)?;
        if answer.response.status() != StatusCode::PARTIAL_CONTENT {
            return Ok(Some(answer));
        }
        let told = answer.header("content-range").and_then(content_range);
        if told != Some((bytes.clone(), remote.bytes)) {
            return Err(changed(remote));
        }
        self.receive(answer, part, run, bytes).await.map(|()| None)
    }

    /// Takes the chunks of an answer that begins with the first of them. What is here already is not written again.
    async fn receive(
        &self,
        mut answer: Answer,
        part: &Part,
        chunks: Range<u64>,
        bytes: Range<u64>,
    ) -> Result<(), DownloadError> {
        let told = answer.response.content_length();
        if told.is_some_and(|told| told != bytes.end - bytes.start) {
            return Err(DownloadError::Answer { host: answer.host, what: "another length".to_owned() });
        }
        let mut buffer = Vec::new();
        for chunk in chunks {
            let range = part.range(chunk);
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let wanted = !part.has(chunk);
            self.fill(&mut answer, &mut buffer, length, wanted).await?;
            let rest = buffer.split_off(length);
            let content = std::mem::replace(&mut buffer, rest);
            if wanted {
                let part = part.clone();
                let written = self.writes.spawn_blocking(move || part.write(chunk, &content)).await;
                written.unwrap_or(Err(DownloadError::Stopped))?;
            }
        }
        Ok(())
    }

    /// Waits for the bytes of a chunk. Only whole chunks count, so a break gives the others back.
    async fn fill(
        &self,
        answer: &mut Answer,
        buffer: &mut Vec<u8>,
        length: usize,
        wanted: bool,
    ) -> Result<(), DownloadError> {
        let mut counted = 0;
        while buffer.len() < length {
            let came = match self.web.next_bytes(answer).await {
                Ok(Some(came)) => came,
                ended => {
                    self.reporter.lost(counted);
                    return Err(ended.err().unwrap_or(DownloadError::Cut { host: answer.host.clone() }));
                }
            };
            self.pace.take(came.len()).await;
            buffer.extend(came);
            let now = buffer.len().min(length) as u64;
            if wanted {
                self.reporter.came(now - counted);
                counted = now;
            }
        }
        if wanted && counted < length as u64 {
            self.reporter.came(length as u64 - counted);
        }
        Ok(())
    }
}

fn check_same(remote: &Remote, answer: &Answer) -> Result<(), DownloadError> {
    match (&remote.validator, answer.validator()) {
        (Some(before), Some(now)) if *before != now => Err(changed(remote)),
        _ => Ok(()),
    }
}

fn changed(remote: &Remote) -> DownloadError {
    let name = remote.url.path_segments().and_then(|mut segments| segments.next_back());
    DownloadError::Changed { file: name.unwrap_or_default().to_owned() }
}

/// Neighbouring chunks together, at most `most` of them: a range is one request.
fn runs(chunks: &[u64], most: u64) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for chunk in chunks {
        match runs.last_mut() {
            Some(run) if run.end == *chunk && run.end - run.start < most.max(1) => run.end += 1,
            _ => runs.push(*chunk..chunk + 1),
        }
    }
    runs
}

/// `bytes 0-9/100` as what came and of how much.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, last) = range.split_once('-')?;
    Some((start.parse().ok()?..last.parse::<u64>().ok()? + 1, total.parse().ok()?))
}

/// Runs what blocks where that is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DownloadError> + Send + 'static,
) -> Result<T, DownloadError> {
    // It ends without a result only when the runtime does.
    spawn_blocking(work).await.unwrap_or(Err(DownloadError::Stopped))
}

/// Chunks are small enough to lose and large enough not to be synced all the time.
pub(crate) const CHUNK: u64 = 4 << 20;
/// A range is 64 MiB: a hub that counts requests is asked rarely.
pub(crate) const RUN: u64 = 16;
/// Longer without a byte, and an answer is taken for dead.
pub(crate) const STALL: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_asked_for_together_but_not_too_many() {
        assert_eq!(runs(&[0, 1, 2, 5, 6, 9], 2), [0..2, 2..3, 5..7, 9..10]);
        assert_eq!(runs(&[], 2), []);
    }

    #[test]
    fn a_content_range_is_read_and_nonsense_is_none() {
        assert_eq!(content_range("bytes 0-9/100"), Some((0..10, 100)));
        for nonsense in ["", "bytes */100", "bytes 0-9/*", "items 0-9/100"] {
            assert_eq!(content_range(nonsense), None, "{nonsense}");
        }
    }
}
