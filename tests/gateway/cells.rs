//! Reads `table.txt`: for each route a line, and below it one for each namespace that a caller may name, with what each
//! kind of caller gets. Says nothing of what is right; `table.txt` does.

/// The columns, in their order.
pub struct Table {
    pub kinds: Vec<String>,
    pub rows: Vec<Row>,
}

/// One call, and what comes of it by each kind.
pub struct Row {
    /// `deny`/`migrate` are private functions, `public` ones that are not.
    pub public: bool,
    pub method: String,
    pub target: String,
    pub body: String,
    pub namespace: String,
    /// `yes` for what is forwarded, `own` for what the gateway answers itself, else the status of the refusal.
    pub cells: Vec<String>,
}

/// Reads the table.
///
/// # Panics
/// Where a line is none.
pub fn read(text: &str) -> Table {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut table = Table { kinds: Vec::new(), rows: Vec::new() };
    let mut route: Vec<String> = Vec::new();
    let mut public = false;
    for line in lines {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match (line.starts_with(' '), words[0].as_str()) {
            (true, "caller") => table.kinds = words[1..].to_vec(),
            (true, _) => {
                assert_eq!(words.len(), table.kinds.len() + 1, "{line}");
                table.rows.push(row(&route, public, &words));
            }
            (false, "[private]" | "[public]") => public = words[0] == "[public]",
            (false, _) => route = words,
        }
    }
    table
}

fn row(route: &[String], public: bool, words: &[String]) -> Row {
    let namespace = words[0].clone();
    let part = |n: usize| fill(route.get(n).map_or("", String::as_str), &namespace);
    Row {
        public,
        method: route[0].clone(),
        target: part(1),
        body: part(2),
        namespace,
        cells: words[1..].to_vec(),
    }
}

/// `NS` becomes the namespace; where none is named, what stands between « and » goes.
fn fill(text: &str, namespace: &str) -> String {
    let mut filled = String::new();
    for (n, part) in text.split(['«', '»']).enumerate() {
        if n % 2 == 0 || namespace != "-" {
            filled.push_str(&part.replace("NS", namespace));
        }
    }
    filled
}
