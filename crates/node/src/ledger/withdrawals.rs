//! What left the ledger: requests on their way, and the statements of those that were answered.

use cortensor_protocol::{Amount, NodeAddress, SignedStatement, WithdrawalNonce, WithdrawalRequest};
use sqlx::Row;

use super::{Ledger, LedgerError};

impl Ledger {
    /// What was withdrawn since the first run, from every router.
    pub async fn withdrawn(&self) -> Result<Amount, LedgerError> {
        let sums =
            "SELECT COALESCE(SUM(amount_nano), 0) AS nano, COALESCE(SUM(amount_rest), 0) AS rest FROM withdrawals";
        let row = sqlx::query(sums).fetch_one(&self.pool).await.map_err(|source| self.unread(source))?;
        let limbs = row.try_get("nano").and_then(|nano| Ok((nano, row.try_get("rest")?)));
        limbs.map(|(nano, rest)| Amount::from_limbs(nano, rest)).map_err(|source| self.unread(source))
    }

    /// Every statement, in the order they were asked for.
    pub async fn statements(&self) -> Result<Vec<SignedStatement>, LedgerError> {
        let all = "SELECT statement FROM withdrawals WHERE statement IS NOT NULL ORDER BY nonce";
        let texts: Vec<String> =
            sqlx::query_scalar(all).fetch_all(&self.pool).await.map_err(|source| self.unread(source))?;
        let read = |text: &String| serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)));
        texts.iter().map(read).collect::<Result<_, _>>().map_err(|source| self.unread(source))
    }

    /// The request that the router with this ledger has not answered yet, if there is one.
    pub(crate) async fn open_withdrawal(
        &self,
        ledger: &str,
        node: NodeAddress,
    ) -> Result<Option<WithdrawalRequest>, LedgerError> {
        let open = "SELECT request FROM withdrawals WHERE ledger = ? AND node = ? AND statement IS NULL ORDER BY nonce";
        let found: Option<String> = sqlx::query_scalar(open)
            .bind(ledger)
            .bind(node.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(|source| self.unread(source))?;
        let read = |text: String| serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(Box::new(error)));
        found.map(read).transpose().map_err(|source| self.unread(source))
    }

    /// Writes down what is about to be asked.
    pub(crate) async fn begin_withdrawal(&self, request: &WithdrawalRequest) -> Result<(), LedgerError> {
        let text = serde_json::to_string(request).map_err(|error| self.unwritten(error))?;
        sqlx::query("INSERT INTO withdrawals (nonce, ledger, node, request) VALUES (?, ?, ?, ?)")
            .bind(request.nonce.to_string())
            .bind(&request.ledger)
            .bind(request.node.to_string())
            .bind(text)
            .execute(&self.pool)
            .await
            .map_err(|source| self.unkept(source))?;
        Ok(())
    }

    /// Keeps the router's answer.
    pub(crate) async fn finish_withdrawal(&self, signed: &SignedStatement) -> Result<(), LedgerError> {
        let text = serde_json::to_string(signed).map_err(|error| self.unwritten(error))?;
        let (nano, rest) = signed.statement.amount.to_limbs();
        sqlx::query("UPDATE withdrawals SET statement = ?, amount_nano = ?, amount_rest = ? WHERE nonce = ?")
            .bind(text)
            .bind(nano)
            .bind(rest)
            .bind(signed.statement.nonce.to_string())
            .execute(&self.pool)
            .await
            .map_err(|source| self.unkept(source))?;
        Ok(())
    }

    /// Forgets a request that the router refused for good.
    pub(crate) async fn give_withdrawal_up(&self, nonce: WithdrawalNonce) -> Result<(), LedgerError> {
        sqlx::query("DELETE FROM withdrawals WHERE nonce = ? AND statement IS NULL")
            .bind(nonce.to_string())
            .execute(&self.pool)
            .await
            .map_err(|source| self.unkept(source))?;
        Ok(())
    }

    fn unkept(&self, source: sqlx::Error) -> LedgerError {
        LedgerError::Withdrawal { path: self.path.clone(), source }
    }

    fn unwritten(&self, error: serde_json::Error) -> LedgerError {
        self.unkept(sqlx::Error::Encode(Box::new(error)))
    }
}
