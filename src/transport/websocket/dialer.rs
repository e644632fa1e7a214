use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use super::{
    ByteStream, Conn, HeaderError, Limits, Meter, Metered, Proxy, QueryNameError, TcpOptions, Url,
    UrlError,
    header::{self, basic, header_name},
    redirect::Route,
    session::SessionNames,
    stream::Plain,
    upgrade::{Answer, Request, upgrade},
};
#[cfg(feature = "tls")]
use super::{Tls, secure};
use crate::client::{Dial, DialContext, DialError};

/// Dials one URL over TCP and, for `wss`, TLS, each time with the same headers and subprotocols. A
/// host name is resolved by the system, on a thread for blocking calls.
///
/// ```
/// use steadfast::transport::Dialer;
///
/// let dialer = Dialer::new("ws://127.0.0.1:9001/feed")?
///     .with_header("Authorization", "Bearer secret")?
///     .with_subprotocol("feed.v2")?;
/// assert!(!format!("{dialer:?}").contains("secret"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// For a URL, header or token that changes, write a closure that makes a `Dialer` and calls it. The
/// closure is called for each attempt, its failures are retried by the same policy, and it is told
/// when the server has refused the credentials. A `Dialer` alone has no fresh ones to offer.
///
/// ```
/// use steadfast::{
///     Credentials, FailureKind,
///     client::{Builder, Dial, DialContext, DialError},
///     transport::{AsyncIoClock, Dialer},
/// };
///
/// # async fn token(_fresh: bool) -> std::io::Result<String> { Ok("token".into()) }
/// let dialer = |context: DialContext| async move {
///     let fresh = context.credentials == Credentials::Refresh;
///     let token = token(fresh).await.map_err(|error| {
///         DialError::new(FailureKind::Request, "the token service").with_source(error)
///     })?;
///     let dialer = Dialer::new("ws://127.0.0.1:9001/feed")?;
///     dialer.with_header("Authorization", &format!("Bearer {token}"))?.dial(context).await
/// };
/// let connection = Builder::new(dialer, AsyncIoClock::new()).build();
/// ```
#[derive(Clone)]
pub struct Dialer {
    /// Shared with its clones and with the dials under way, so that a fleet has it once.
    settings: Arc<Settings>,
}

#[derive(Clone)]
struct Settings {
    url: Url,
    headers: HeaderMap,
    subprotocols: Vec<String>,
    limits: Limits,
    tcp: TcpOptions,
    proxy: Option<Proxy>,
    max_redirects: u8,
    session: SessionNames,
    /// Who is believed, if it is not whom the system believes.
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Dialer {
    /// A dialer without headers or subprotocols, and with the default limits.
    ///
    /// # Errors
    ///
    /// If the URL cannot be dialed.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        let settings = Settings {
            url: url.parse()?,
            headers: HeaderMap::new(),
            subprotocols: Vec::new(),
            limits: Limits::default(),
            tcp: TcpOptions::default(),
            proxy: None,
            max_redirects: 0,
            session: SessionNames::default(),
            #[cfg(feature = "tls")]
            tls: None,
        };
        Ok(Self { settings: Arc::new(settings) })
    }

    fn change(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// Adds a header. Its value is never shown in logs, errors or `Debug`.
    ///
    /// # Errors
    ///
    /// If it is not a valid header, or one that the handshake itself sets.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        let parsed = header_name(name)?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| HeaderError::InvalidValue { name: name.to_owned() })?;
        value.set_sensitive(true);
        self.change().headers.append(parsed, value);
        Ok(self)
    }

    /// Sets Basic authentication (RFC 7617) with this user and password, in UTF-8. It replaces any
    /// earlier `Authorization`, and is never shown. Unless the URL is `wss`, anyone on the path can
    /// read it.
    ///
    /// # Errors
    ///
    /// If the user name contains a colon, or either contains a control character.
    pub fn with_basic_auth(mut self, user: &str, password: &str) -> Result<Self, HeaderError> {
        self.change().headers.insert(AUTHORIZATION, basic(user, password)?);
        Ok(self)
    }

    /// Offers this subprotocol, after those added before; each is offered once (RFC 6455 §4.1). The
    /// server must select one, which [`Conn::subprotocol`] returns. Names are not shown, as some
    /// servers take an access token there; but they are sent along with a
    /// [redirect](Self::with_redirects).
    ///
    /// # Errors
    ///
    /// If it is not a token in the sense of RFC 9110 §5.6.2.
    pub fn with_subprotocol(mut self, name: &str) -> Result<Self, HeaderError> {
        // A subprotocol and a header name are the same kind of token.
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(HeaderError::InvalidSubprotocol);
        }
        let offered = &mut self.change().subprotocols;
        if !offered.iter().any(|other| other == name) {
            offered.push(name.to_owned());
        }
        Ok(self)
    }

    /// Sets the limits on what a server may send, and the buffer sizes.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.change().limits = limits;
        self
    }

    /// Sets the TCP options.
    #[must_use]
    pub fn with_tcp(mut self, options: TcpOptions) -> Self {
        self.change().tcp = options;
        self
    }

    /// Sets the TLS configuration, [`Tls::trusting_platform`] by default. It has no effect on a `ws`
    /// URL.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: impl Into<Tls>) -> Self {
        self.change().tls = Some(tls.into());
        self
    }

    /// Sets a proxy, to be used for any host.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.change().proxy = Some(proxy);
        self
    }

    /// Follows up to `max` redirects in a row: 301, 302, 303, 307 and 308, with `http` taken as `ws`
    /// and `https` as `wss`. Default 0: a redirect fails the dial, and the error says where it leads.
    ///
    /// All of them are one dial, within one connect timeout, and each dial begins at the dialer's
    /// own URL. A server of another origin (scheme, host or port) is sent the subprotocols,
    /// `User-Agent` and `Accept-Language`, and nothing else that was set here: no other header, no
    /// session id, no credentials, no client certificate, even if it redirects back. The URL's query
    /// is never passed on, except as part of a `Location`.
    ///
    /// A redirect that is not followed is permanent, with a [`RedirectError`](super::RedirectError):
    /// one too many, a loop, one from `wss` to `ws`, or one to a page instead of a WebSocket, such as
    /// a login page.
    #[must_use]
    pub fn with_redirects(mut self, max: u8) -> Self {
        self.change().max_redirects = max;
        self
    }

    /// Sends the session id in a header of this name, such as `Session-Id`, instead of one set
    /// before.
    ///
    /// Its value is [`DialContext::session`], a dot, and [`DialContext::epoch`]:
    /// `00112233445566778899aabbccddeeff.7`. A server that sees a session again with a higher number
    /// can close the connection with the lower one: its client has left it, even if the server has
    /// not noticed yet. The number grows with each dial of one client; a program that keeps its
    /// session id across a restart begins at 1 again. It identifies, and proves nothing.
    ///
    /// # Errors
    ///
    /// If it is not a valid header name, or one that the handshake itself sets.
    pub fn with_session_header(mut self, name: &str) -> Result<Self, HeaderError> {
        self.change().session.set_header(name)?;
        Ok(self)
    }

    /// Sends the session id in a query parameter of this name, after those of the URL, for a server
    /// or a load balancer that looks at nothing else. The value is that of
    /// [`with_session_header`](Self::with_session_header). Any name will do: it is percent-encoded.
    ///
    /// # Errors
    ///
    /// If the name is empty, or the URL already has a parameter of this name.
    pub fn with_session_query(mut self, name: &str) -> Result<Self, QueryNameError> {
        let Settings { session, url, .. } = self.change();
        session.set_query(name, url)?;
        Ok(self)
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.settings.url
    }
}

impl Settings {
    fn request<'a>(
        &'a self,
        route: &'a Route,
        context: &DialContext,
    ) -> Result<Request<'a>, DialError> {
        let url = route.url();
        let (uri, headers) = if route.is_home() {
            let mut headers = self.headers.clone();
            self.session.mark(&mut headers, context);
            (self.session.uri(url, context)?, headers)
        } else {
            let headers = self.headers.iter().filter(|(name, _)| header::is_harmless(name));
            let headers = headers.map(|(name, value)| (name.clone(), value.clone()));
            (url.uri().clone(), headers.collect())
        };
        Ok(Request { uri, host: url.authority(), headers, subprotocols: &self.subprotocols })
    }

    async fn connect(self: Arc<Self>, context: DialContext) -> Result<Conn<ByteStream>, DialError> {
        let mut route = Route::new(self.url.clone());
        loop {
            let meter = Meter::default();
            let request = self.request(&route, &context)?;
            let stream = self.reach(&route, context.attempt, meter.clone()).await?;
            let answer = upgrade(stream, &request, self.limits.config()).await;
            let answer = answer.map_err(|error| {
                DialError::new(error.failure(), route.url().to_string()).with_source(error)
            })?;
            match answer {
                Answer::Accepted { stream, subprotocol, is_followed } => {
                    if !is_followed {
                        // The answer itself is no part of a frame.
                        meter.forget();
                    }
                    let conn = Conn::from(stream).with_meter(meter);
                    return Ok(conn.with_subprotocol(subprotocol));
                }
                Answer::Refused(response) => route.follow(&response, self.max_redirects)?,
            }
        }
    }

    /// The bytes to and from the server at the end of `route`.
    async fn reach(
        &self,
        route: &Route,
        attempt: u32,
        meter: Meter,
    ) -> Result<ByteStream, DialError> {
        let url = route.url();
        let stream = match &self.proxy {
            None => self.tcp.connect(url.host(), url.port(), attempt, url).await?,
            Some(proxy) => {
                let about = proxy.on_the_way_to(url);
                let (host, port) = (proxy.host(), proxy.port());
                let mut stream = self.tcp.connect(host, port, attempt, &about).await?;
                proxy.tunnel(url, &mut stream).await?;
                stream
            }
        };
        self.secure(route, Metered::new(stream.into(), meter)).await
    }

    /// `stream` as it is, or with TLS over it if the URL asks for that.
    async fn secure(&self, route: &Route, stream: Plain) -> Result<ByteStream, DialError> {
        #[cfg(feature = "tls")]
        if let Some(name) = route.url().server_name() {
            let tls = match &self.tls {
                Some(tls) if !route.is_home() => Some(tls.anonymous()),
                tls => tls.clone(),
            };
            return secure::connect(tls, name.clone(), route.url(), stream).await;
        }
        #[cfg(not(feature = "tls"))]
        let _ = route;
        Ok(ByteStream::plain(stream))
    }
}

impl Dial for Dialer {
    type Conn = Conn<ByteStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Conn, DialError>> + Send>>;

    fn dial(&mut self, context: DialContext) -> Self::Future {
        Box::pin(self.settings.clone().connect(context))
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { url, subprotocols, limits, tcp, proxy, max_redirects, session, .. } =
            &*self.settings;
        let headers: Vec<_> = self.settings.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Dialer")
            .field("url", url)
            .field("headers", &headers)
            // Some servers take a token there.
            .field("subprotocols", &subprotocols.len())
            .field("limits", limits)
            .field("tcp", tcp)
            .field("proxy", proxy)
            .field("max_redirects", max_redirects)
            .field("session", session)
            .finish_non_exhaustive()
    }
}
