//! What the router wrote down.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    Failure,
    cast::{Cast, Role},
    load::{Kind, Tally},
};

/// What is written of one node.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct NodeRecord {
    node: String,
    /// User tasks that were paid and not taken back.
    tasks: i64,
    /// Credits that are still its own, and those that were taken back.
    pub(crate) kept: f64,
    taken_back: f64,
    /// Answers that were looked at, and their tokens.
    looks: i64,
    tokens: i64,
    /// Verdicts against it, and tokens until the first of them.
    pub(crate) falls: i64,
    tokens_to_fall: Option<i64>,
    /// Of its latest test.
    #[sqlx(skip)]
    pub(crate) tier: Option<String>,
}

/// What is written of every node.
pub(crate) struct Records(Vec<NodeRecord>);

async fn open(database: &Path) -> Result<SqliteConnection, Failure> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// Answers that were looked at so far.
pub(crate) async fn audits(database: &Path) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM audits").fetch_one(&mut open(database).await?).await?)
}

const RECORDS: &str = "
    WITH amounts AS (SELECT *, billions / 1e9 + units / 1e18 AS credits FROM settlements),
         lasting AS (SELECT * FROM amounts AS one WHERE reverses IS NULL AND void_reason IS NULL AND NOT EXISTS
                        (SELECT * FROM amounts WHERE node = one.node AND reverses = one.sequence))
    SELECT address AS node,
        (SELECT COUNT(*) FROM lasting WHERE node = address AND kind = 'user') AS tasks,
        (SELECT COALESCE(SUM(credits), 0.0) FROM lasting WHERE node = address) AS kept,
        (SELECT COALESCE(SUM(credits), 0.0) FROM amounts WHERE node = address AND reverses IS NOT NULL) AS taken_back,
        (SELECT COUNT(*) FROM audits WHERE node = address) AS looks,
        (SELECT COALESCE(SUM(tokens), 0) FROM audits WHERE node = address) AS tokens,
        (SELECT COUNT(*) FROM audits WHERE node = address AND verdict = 'not_what_it_claims') AS falls,
        (SELECT SUM(tokens) FROM audits AS one WHERE node = address AND looked_at <= (SELECT MIN(looked_at) FROM audits
            WHERE node = one.node AND verdict = 'not_what_it_claims')) AS tokens_to_fall
    FROM nodes ORDER BY address";

impl Records {
    pub(crate) async fn read(cast: &Cast) -> Result<Self, Failure> {
        let mut connection = open(&cast.router.database).await?;
        let mut records: Vec<NodeRecord> = sqlx::query_as(RECORDS).fetch_all(&mut connection).await?;
        for record in &mut records {
            let latest = "SELECT report FROM reports WHERE node = ? ORDER BY id DESC LIMIT 1";
            let report: Option<String> =
                sqlx::query_scalar(latest).bind(&record.node).fetch_optional(&mut connection).await?;
            record.tier = report.as_deref().and_then(tier);
        }
        Ok(Self(records))
    }

    pub(crate) fn of(&self, address: &str) -> NodeRecord {
        self.0.iter().find(|record| record.node.eq_ignore_ascii_case(address)).cloned().unwrap_or_default()
    }

    pub(crate) fn print(&self, cast: &Cast, load: &Tally) {
        println!("\nFrom the router's records, and the clients' (the last three columns):\n");
        println!(
            "| node | tier | user tasks paid | credits kept | taken back | answers looked at | tokens | found out after | high accuracy | cost-effective | basic |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|");
        for role in Role::ALL {
            let one = self.of(cast.address(role));
            let found = one.tokens_to_fall.map_or_else(|| "never".to_owned(), |tokens| format!("{tokens} tokens"));
            let tier = one.tier.as_deref().unwrap_or("none");
            let served: Vec<_> =
                Kind::ALL.map(|kind| load.served(kind, cast.address(role)).to_string()).into_iter().collect();
            println!(
                "| {} | {tier} | {} | {:.6} | {:.6} | {} | {} | {found} | {} |",
                role.words(),
                one.tasks,
                one.kept,
                one.taken_back,
                one.looks,
                one.tokens,
                served.join(" | ")
            );
        }
        println!("\nrequests that failed: {}", load.failed.len());
        load.failed.iter().take(5).for_each(|failure| println!("  {failure}"));
    }
}

/// The tier in a stored report, in words.
fn tier(report: &str) -> Option<String> {
    let report: cortensor_protocol::TierReport = serde_json::from_str(report).ok()?;
    report.tier.map(|tier| tier.to_string())
}
