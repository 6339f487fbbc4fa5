//! Login and sign-up: the forms and what happens when they come back.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use common::service::{Emit, Form as FormBody, Problem, Query, RequestContext, Tx, Unit};
use common::telemetry::EventName;
use serde::Deserialize;

use super::accounts::{self, NewAccount};
use super::authorize::code_location;
use super::forms::{self, Form, FormRefusal};
use super::pages::{self, Refill};
use super::state::A1;
use super::{grants, sessions};

#[derive(Debug, Deserialize)]
pub(super) struct FormQuery {
    form: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginForm {
    form_nonce: String,
    username: String,
    password: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignupForm {
    form_nonce: String,
    name: String,
    email: String,
    password: String,
}

pub(super) async fn login_page(
    State(app): State<A1>,
    headers: HeaderMap,
    Query(query): Query<FormQuery>,
) -> Result<Response, Problem> {
    let (form, cookie) = form_for(&app, &headers, query).await?;
    let page = pages::login(&app, StatusCode::OK, &form, &Refill::default());
    Ok(pages::with_cookies(page, cookie.as_slice()))
}

pub(super) async fn signup_page(
    State(app): State<A1>,
    headers: HeaderMap,
    Query(query): Query<FormQuery>,
) -> Result<Response, Problem> {
    let (form, cookie) = form_for(&app, &headers, query).await?;
    let page = pages::signup(&app, StatusCode::OK, &form, &Refill::default());
    Ok(pages::with_cookies(page, cookie.as_slice()))
}

/// The form that the query names, so that a person can go from login to sign-up and back; else a new one.
async fn form_for(app: &A1, headers: &HeaderMap, query: FormQuery) -> Result<(Form, Option<String>), Problem> {
    if let Some(nonce) = query.form
        && let Ok(form) = forms::find(app, headers, &nonce).await?
    {
        return Ok((form, None));
    }
    Ok(forms::make(app, headers, None).await?)
}

pub(super) async fn log_in(
    State(app): State<A1>,
    context: RequestContext,
    unit: Unit,
    headers: HeaderMap,
    FormBody(body): FormBody<LoginForm>,
) -> Result<Response, Problem> {
    let form = match forms::find(&app, &headers, &body.form_nonce).await? {
        Ok(form) => form,
        Err(refusal) => return Ok(refused(&headers, refusal)),
    };
    let account = accounts::normalized(&body.username);
    if let Some(seconds) = app.login_wait_s(&account) {
        return Ok(too_many(&app, &form, &body.username, seconds));
    }
    let found = accounts::sign_in(&app, &body.username, body.password).await?;
    // Of guesses that are sent at once, those beyond the limit do not learn whether they were right.
    if let Some(seconds) = app.login_wait_s(&account) {
        return Ok(too_many(&app, &form, &body.username, seconds));
    }
    let Some(found) = found else {
        app.rate().failed(&account, app.now_ms());
        let error = Some("That user name and password do not match. Please try again.");
        let refill = Refill { login: &body.username, error, ..Refill::default() };
        let mut page = pages::login(&app, StatusCode::UNAUTHORIZED, &form, &refill);
        page.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Form realm=\"Scholar\""));
        return Ok(page);
    };
    app.rate().succeeded(&account);
    let mut tx = unit.tx().await?;
    if !forms::use_up(&mut tx, &form).await? {
        return Ok(refused(&headers, FormRefusal::Unknown));
    }
    welcome(&app, &context, &mut tx, &form, &found.sub).await
}

pub(super) async fn sign_up(
    State(app): State<A1>,
    context: RequestContext,
    unit: Unit,
    headers: HeaderMap,
    FormBody(body): FormBody<SignupForm>,
) -> Result<Response, Problem> {
    let form = match forms::find(&app, &headers, &body.form_nonce).await? {
        Ok(form) => form,
        Err(refusal) => return Ok(refused(&headers, refusal)),
    };
    let again = |status, error| {
        let refill = Refill { name: &body.name, login: &body.email, error: Some(error) };
        pages::signup(&app, status, &form, &refill)
    };
    let new = match NewAccount::new(&body.name, &body.email, body.password) {
        Ok(new) => new,
        Err(sentence) => return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, sentence)),
    };
    let (account, hash) = accounts::prepare(&app, new).await?;
    let mut tx = unit.tx().await?;
    if !forms::use_up(&mut tx, &form).await? {
        return Ok(refused(&headers, FormRefusal::Unknown));
    }
    if !accounts::insert(&mut tx, &account, &hash, app.now_ms()).await? {
        return Ok(again(StatusCode::CONFLICT, "There is already an account with this e-mail address. Please log in."));
    }
    welcome(&app, &context, &mut tx, &form, &account.sub).await
}

/// Begins the session and sends the person on, to the client that asked, or home.
async fn welcome(app: &A1, context: &RequestContext, tx: &mut Tx, form: &Form, sub: &str) -> Result<Response, Problem> {
    let (session, cookie) = sessions::begin(app, tx, sub).await?;
    app.ctx().telemetry.emit(tx, context, Emit::new(EventName::IdentityOk).status(303).key(&form.nonce)).await?;
    let cookies = [cookie];
    if let Some(request) = &form.request {
        let (code, values) = grants::new_code(request, &session, app.now_ms());
        tx.execute(grants::INSERT_CODE, values).await?;
        return Ok(pages::see_other(&code_location(app, request, &code), &cookies));
    }
    Ok(match app.home() {
        Some(home) => pages::see_other(home.as_str(), &cookies),
        None => {
            let page = pages::message(StatusCode::OK, "You are signed in", "You can go on to the app you came for.");
            pages::with_cookies(page, &cookies)
        }
    })
}

fn refused(headers: &HeaderMap, refusal: FormRefusal) -> Response {
    match refusal {
        FormRefusal::Unknown => {
            let text = "This form was sent before or has expired. Please go back to the app and start again.";
            pages::refusal(headers, StatusCode::BAD_REQUEST, "form_expired", text)
        }
        FormRefusal::OtherBrowser => {
            let text = "This form was shown in another browser. Please allow cookies and start again.";
            pages::refusal(headers, StatusCode::FORBIDDEN, "form_of_another_browser", text)
        }
    }
}

fn too_many(app: &A1, form: &Form, username: &str, seconds: u32) -> Response {
    let error = format!("Too many attempts. Please wait {seconds} seconds and try again.");
    let refill = Refill { login: username, error: Some(&error), ..Refill::default() };
    let mut page = pages::login(app, StatusCode::TOO_MANY_REQUESTS, form, &refill);
    page.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    page
}
