//! The CRM: HubSpot's contacts, as far as a sign-up needs them.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use common::service::{Ctx, DbError, OwnErrorForm, Row};
use common::{args, clock};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The first contact's id.
const FIRST_ID: i64 = 101;

pub(super) fn router(ctx: Ctx) -> Router {
    Router::new()
        .route("/crm/v3/objects/contacts", post(create))
        .route("/crm/v3/objects/contacts/{id}", get(contact))
        .with_state(ctx)
}

/// A contact as a caller describes it.
#[derive(Deserialize)]
struct NewContact {
    properties: Map<String, Value>,
}

async fn create(State(ctx): State<Ctx>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    check_token(&headers)?;
    let new: NewContact = serde_json::from_slice(&body).map_err(|error| {
        Refusal::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", format!("Invalid input: {error}"))
    })?;
    let email = new.properties.get("email").and_then(Value::as_str).unwrap_or("").trim().to_lowercase();
    if !email.contains('@') {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", "Property `email` is not an address."));
    }
    let now_ms = ctx.clock.unix_ms();
    let mut tx = ctx.db.begin().await?;
    let known = tx.query("SELECT contact_id FROM standin_contacts WHERE email = $1", args![&email]).await?;
    if let Some(row) = known.first() {
        let message = format!("Contact already exists. Existing ID: {}", row.int("contact_id")?);
        return Err(Refusal::new(StatusCode::CONFLICT, "CONFLICT", message));
    }
    let newest = tx.query("SELECT MAX(contact_id) AS contact_id FROM standin_contacts", vec![]).await?;
    let newest = newest.first().map(|row| row.opt_int("contact_id")).transpose()?.flatten();
    let id = newest.map_or(FIRST_ID, |id| id + 1);
    let sql = "INSERT INTO standin_contacts (contact_id, email, properties, created_ms) VALUES ($1, $2, $3, $4)";
    let properties = Value::Object(new.properties);
    tx.execute(sql, args![id, &email, properties.to_string(), now_ms]).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(shown(id, &email, properties, now_ms))).into_response())
}

async fn contact(State(ctx): State<Ctx>, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, Refusal> {
    check_token(&headers)?;
    let nobody = || Refusal::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "No contact has this id.");
    let id: i64 = id.parse().map_err(|_| nobody())?;
    let sql = "SELECT contact_id, email, properties, created_ms FROM standin_contacts WHERE contact_id = $1";
    let row = ctx.db.query_one(sql, args![id]).await?.ok_or_else(nobody)?;
    Ok(axum::Json(read(&row)?).into_response())
}

fn read(row: &Row) -> Result<Value, DbError> {
    let properties = serde_json::from_str(&row.text("properties")?).unwrap_or_default();
    Ok(shown(row.int("contact_id")?, &row.text("email")?, properties, row.int("created_ms")?))
}

fn shown(id: i64, email: &str, mut properties: Value, created_ms: i64) -> Value {
    let created = clock::rfc3339(created_ms);
    for (name, value) in [
        ("email", email.to_owned()),
        ("hs_object_id", id.to_string()),
        ("createdate", created.clone()),
        ("lastmodifieddate", created.clone()),
    ] {
        properties[name] = value.into();
    }
    json!({
        "id": id.to_string(), "properties": properties, "createdAt": created, "updatedAt": created, "archived": false,
    })
}

fn check_token(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_bearer = value
        .split_once(' ')
        .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty());
    if is_bearer {
        return Ok(());
    }
    let message = "Authentication credentials not found. Send an access token as `Authorization: Bearer TOKEN`.";
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "INVALID_AUTHENTICATION", message))
}

/// An error in HubSpot's form.
struct Refusal {
    status: StatusCode,
    category: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "status": "error", "message": self.message, "correlationId": Uuid::new_v4(), "category": self.category,
        });
        let mut response = (self.status, axum::Json(body)).into_response();
        response.extensions_mut().insert(OwnErrorForm);
        response
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "the CRM cannot reach its storage");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "the CRM cannot reach its storage: try again")
    }
}
