//! Dead letters: reports that A8 refused. The kit's outbox sets them aside with the reason; here they are read and,
//! once the cause is mended, sent again.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, Json, Problem, Query, Row, Unit};
use serde::Deserialize;
use serde_json::{Value, json};

use super::page;

/// The most dead letters of one page, and of one replay that names them.
const MOST: i64 = 500;

#[derive(Debug, Deserialize)]
pub(crate) struct DlqPage {
    after: Option<String>,
    limit: Option<i64>,
}

pub(crate) async fn list(State(ctx): State<Ctx>, Query(asked): Query<DlqPage>) -> Result<Response, Problem> {
    let limit = page::limit(asked.limit, 100, MOST)?;
    let sql = "SELECT event_id, body, reason FROM outbox_rejected WHERE event_id > $1 ORDER BY event_id LIMIT $2";
    let rows = ctx.db.query(sql, args![asked.after.unwrap_or_default(), limit]).await?;
    let letters = rows.iter().map(show).collect::<Result<Vec<_>, _>>()?;
    let full = i64::try_from(letters.len()).unwrap_or(i64::MAX) == limit;
    let next = if full { letters.last().map(|letter| letter["id"].clone()) } else { None };
    let depth = ctx.db.query_one("SELECT COUNT(*) AS n FROM outbox_rejected", vec![]).await?;
    let depth = depth.map_or(Ok(0), |row| row.int("n"))?;
    Ok(Json(json!({ "depth": depth, "letters": letters, "next": next })).into_response())
}

fn show(row: &Row) -> Result<Value, Problem> {
    let parsed = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(json!({
        "id": row.text("event_id")?,
        "report": parsed(row.text("body")?),
        "reason": parsed(row.text("reason")?),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    #[serde(default)]
    ids: Option<Vec<String>>,
}

pub(crate) async fn replay(unit: Unit, Json(asked): Json<Replay>) -> Result<Response, Problem> {
    let mut tx = unit.tx().await?;
    let ids = match asked.ids {
        Some(ids) if i64::try_from(ids.len()).is_ok_and(|count| (1..=MOST).contains(&count)) => ids,
        Some(_) => return Err(Problem::invalid("/ids", format!("name 1 to {MOST} dead letters, or leave `ids` out"))),
        None => {
            let rows = tx.query("SELECT event_id FROM outbox_rejected ORDER BY event_id", vec![]).await?;
            rows.iter().map(|row| row.text("event_id")).collect::<Result<_, _>>()?
        }
    };
    let mut replayed = 0;
    for id in &ids {
        let back = "INSERT INTO outbox (event_id, body) SELECT event_id, body FROM outbox_rejected WHERE event_id = $1";
        if tx.execute(back, args![id]).await? == 0 {
            return Err(Problem::not_found(format!("there is no dead letter {id:?}: nothing was replayed")));
        }
        replayed += tx.execute("DELETE FROM outbox_rejected WHERE event_id = $1", args![id]).await?;
    }
    Ok(Json(json!({ "replayed": replayed })).into_response())
}
