//! Accounts and their passwords (argon2id).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use common::args;
use common::service::{DbError, Problem, Row, Tx};

use super::state::A1;

/// The account that the embedded ecosystem always has.
const TEST_ACCOUNT: (&str, &str, &str, &str) =
    ("test_student_e2e_01", "test_student_e2e_01@example.test", "Test Student 01", "embedded-password-01");

/// A person who can sign in.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) sub: String,
    pub(super) email: String,
    pub(super) name: String,
}

/// What a person states when signing up, checked.
#[derive(Debug)]
pub(super) struct NewAccount {
    email: String,
    name: String,
    password: String,
}

impl NewAccount {
    /// Checks the fields; the error is a sentence for the person.
    pub(super) fn new(name: &str, email: &str, password: String) -> Result<Self, &'static str> {
        let (name, email) = (name.trim(), normalized(email));
        let parts = email.split_once('@');
        let plausible = parts.is_some_and(|(local, host)| {
            !local.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
        });
        if name.is_empty() || name.chars().count() > 100 {
            return Err("Please tell us your name, in up to 100 characters.");
        }
        if !plausible || email.len() > 200 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("Please give an e-mail address such as ada@example.org.");
        }
        if !(10..=200).contains(&password.chars().count()) {
            return Err("Please choose a password of 10 to 200 characters.");
        }
        Ok(Self { email, name: name.to_owned(), password })
    }
}

/// The form in which user names and addresses are compared.
pub(super) fn normalized(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Hashes a new account's password and gives the row to insert; slow on purpose, so before any transaction.
pub(super) async fn prepare(app: &A1, new: NewAccount) -> Result<(Account, String), Problem> {
    let hash = hash(app, new.password).await?;
    let account = Account { sub: uuid::Uuid::now_v7().to_string(), email: new.email, name: new.name };
    Ok((account, hash))
}

/// Inserts a prepared account whose user name is its address; false if the address is taken.
pub(super) async fn insert(tx: &mut Tx, account: &Account, hash: &str, now_ms: i64) -> Result<bool, DbError> {
    let sql = "INSERT INTO accounts (sub, username, email, name, password_hash, created_ms)
               VALUES ($1, $2, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let values = args![&account.sub, &account.email, &account.name, hash, now_ms];
    Ok(tx.execute(sql, values).await? == 1)
}

/// The account with this user name or address and this password. An unknown name takes as long as a wrong password.
pub(super) async fn sign_in(app: &A1, username: &str, password: String) -> Result<Option<Account>, Problem> {
    let sql = "SELECT sub, email, name, password_hash FROM accounts WHERE username = $1 OR email = $1";
    let row = app.ctx().db.query_one(sql, args![normalized(username)]).await?;
    let Some(row) = row else {
        drop(hash(app, password).await?);
        return Ok(None);
    };
    let right = matches(app, password, row.text("password_hash")?).await?;
    Ok(if right { Some(account(&row)?) } else { None })
}

/// The account of a subject.
pub(super) async fn find(app: &A1, sub: &str) -> Result<Option<Account>, DbError> {
    let row = app.ctx().db.query_one("SELECT sub, email, name FROM accounts WHERE sub = $1", args![sub]).await?;
    row.as_ref().map(account).transpose()
}

fn account(row: &Row) -> Result<Account, DbError> {
    Ok(Account { sub: row.text("sub")?, email: row.text("email")?, name: row.text("name")? })
}

/// Makes the embedded ecosystem's account unless it is there.
pub(super) async fn make_test_account(app: &A1) -> Result<(), DbError> {
    let (username, email, name, password) = TEST_ACCOUNT;
    let there = app.ctx().db.query("SELECT sub FROM accounts WHERE username = $1", args![username]).await?;
    if !there.is_empty() {
        return Ok(());
    }
    let Ok(hash) = hash(app, password.to_owned()).await else {
        tracing::error!("the test account's password cannot be hashed");
        return Ok(());
    };
    let sql = "INSERT INTO accounts (sub, username, email, name, password_hash, created_ms)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let sub = uuid::Uuid::now_v7().to_string();
    app.ctx().db.execute(sql, args![sub, username, email, name, hash, app.now_ms()]).await.map(drop)
}

/// OWASP's smallest advice for argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("constant parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

async fn hash(app: &A1, password: String) -> Result<String, Problem> {
    let work = move || hasher().hash_password(password.as_bytes()).map(|hash| hash.to_string()).ok();
    off_the_loop(app, work).await?.ok_or_else(|| Problem::unavailable("the password cannot be hashed: try again"))
}

async fn matches(app: &A1, password: String, stored: String) -> Result<bool, Problem> {
    let work = move || {
        let stored = PasswordHash::new(&stored).ok()?;
        Some(hasher().verify_password(password.as_bytes(), &stored).is_ok())
    };
    Ok(off_the_loop(app, work).await?.unwrap_or(false))
}

/// Runs slow work on a thread of its own, a few at a time.
async fn off_the_loop<T: Send + 'static>(app: &A1, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let failed = || Problem::unavailable("the provider is shutting down: try again");
    let permit = app.hashing().acquire_owned().await.map_err(|_| failed())?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    });
    done.await.map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_up_without_a_name_an_address_or_a_long_enough_password_is_refused() {
        let long = || "long enough".to_owned();
        assert!(NewAccount::new("Ada", "Ada@Example.org ", long()).is_ok_and(|new| new.email == "ada@example.org"));
        for (name, email, password) in [
            (" ", "ada@example.org", long()),
            ("Ada", "ada", long()),
            ("Ada", "@example.org", long()),
            ("Ada", "ada@.org", long()),
            ("Ada", "a da@example.org", long()),
            ("Ada", "ada@example.org", "short".to_owned()),
        ] {
            assert!(NewAccount::new(name, email, password).is_err(), "{name:?} {email:?}");
        }
    }
}
