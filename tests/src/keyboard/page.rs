//! A page with one text field, served on loopback: what is in the field is written to a file at each Return.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

/// The server. It ends with the program: it waits for requests and holds nothing.
#[derive(Debug)]
pub struct Page {
    address: SocketAddr,
}

impl Page {
    /// Serves the page. Its lines go to `file`.
    pub fn serve(file: &Path) -> Result<Self> {
        fs::write(file, "")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let file = file.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A browser that hangs up has lost its own request.
                answer(stream, &file).ok();
            }
        });
        Ok(Self { address })
    }

    /// Where the browser finds it.
    pub fn address(&self) -> String {
        format!("http://{}/", self.address)
    }
}

fn answer(mut stream: TcpStream, file: &PathBuf) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().context("a length")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let page = match request.starts_with("POST") {
        true => {
            // The whole field each time: a file is there wholly, or as it was.
            let next = file.with_extension("next");
            fs::write(&next, &body)?;
            fs::rename(&next, file)?;
            ""
        }
        false => PAGE,
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    )?;
    Ok(())
}

/// A part of the window's title.
pub const TITLE: &str = "Textfeld";

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Textfeld</title>
<textarea autofocus autocomplete=off spellcheck=false style='width:95vw;height:80vh;caret-color:transparent'></textarea>
<script>
const field = document.querySelector('textarea');
let last = Promise.resolve();
field.addEventListener('input', event => {
  if (event.inputType !== 'insertLineBreak') return;
  const body = field.value;
  last = last.then(() => fetch('/', {method: 'POST', body}));
});
</script>";
