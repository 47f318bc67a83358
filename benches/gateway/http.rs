//! The client's half of HTTP/1.1, as cheap as it gets: requests are bytes made beforehand, of an answer the
//! status and the length are read.

/// A request as bytes.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!(
        "{method} {target} HTTP/1.1\r\nHost: gateway.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// Where the answer in these bytes ends, and its status; `None` while there is more to come.
pub fn end(bytes: &[u8]) -> Option<(usize, u16)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).unwrap();
    let status = text[9..12].parse().unwrap();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.expect("an answer that says its length").1.trim().parse().unwrap();
    (bytes.len() >= head + length).then_some((head + length, status))
}
