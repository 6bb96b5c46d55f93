//! The projector's port: one controller at a time, one line after the other.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::manners::Manners;

/// Nobody sends it more.
const LINE_BYTES_MAX: usize = 272;

/// What it was asked, and by how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections that it has greeted.
    pub connections: u32,
    /// Connections that it hung up on, for another was open.
    pub second: u32,
    /// First questions with a wrong proof.
    pub refused: u32,
    /// Every question, such as `%1POWR ?`, in their order.
    pub questions: Vec<String>,
    /// Connections that it closed because nobody asked.
    pub idle: u32,
}

impl Seen {
    /// Whatever was not a question.
    #[must_use]
    pub fn orders(&self) -> Vec<&String> {
        let questions = self.questions.iter();
        questions.filter(|one| !one.ends_with(" ?")).collect()
    }
}

#[derive(Debug)]
struct State {
    manners: Manners,
    seen: Seen,
}

/// A running projector; dropping it switches it off.
#[derive(Debug)]
pub struct Projector {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Projector {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// There is none.
    pub async fn start(manners: Manners) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let seen = Seen::default();
        let state = Arc::new(Mutex::new(State { manners, seen }));
        let task = tokio::spawn(listen(listener, state.clone()));
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// Changes its manners.
    pub fn change(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut locked(&self.state).manners);
    }

    /// What it was asked so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        locked(&self.state).seen.clone()
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, state: Arc<Mutex<State>>) {
    let taken = Arc::new(AtomicBool::new(false));
    while let Ok((stream, _)) = listener.accept().await {
        if taken.swap(true, Ordering::AcqRel) {
            locked(&state).seen.second += 1;
            continue;
        }
        let (state, taken) = (state.clone(), taken.clone());
        tokio::spawn(async move {
            // A controller that hangs up is no news.
            drop(serve(stream, &state).await);
            taken.store(false, Ordering::Release);
        });
    }
}

async fn serve(stream: TcpStream, state: &Mutex<State>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let greeting = {
        let mut state = locked(state);
        state.seen.connections += 1;
        (!state.manners.is_silent()).then(|| state.manners.greeting())
    };
    if let Some(greeting) = &greeting {
        say(&mut stream, state, greeting.as_bytes()).await?;
    }
    let mut first = true;
    loop {
        let idle = locked(state).manners.idle;
        let mut line = Vec::new();
        let Ok(read) = timeout(idle, stream.read_until(b'\r', &mut line)).await else {
            locked(state).seen.idle += 1;
            return Ok(());
        };
        if read? == 0 || line.len() > LINE_BYTES_MAX {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        let (answer, last) = asked(&mut locked(state), &line, first);
        first = false;
        match answer {
            Some(answer) => say(&mut stream, state, &answer).await?,
            None => continue,
        }
        if last {
            return Ok(());
        }
    }
}

/// The answer to a line, and whether the connection ends with it.
fn asked(state: &mut State, line: &str, first: bool) -> (Option<Vec<u8>>, bool) {
    let manners = &mut state.manners;
    let proof = manners.proof();
    let proof = if first { proof.as_str() } else { "" };
    let Some(command) = line
        .strip_prefix(proof)
        .filter(|rest| rest.starts_with('%'))
    else {
        state.seen.refused += 1;
        return (Some(b"PJLINK ERRA".to_vec()), true);
    };
    let answer = (!manners.is_silent()).then(|| match manners.obey(command) {
        Some(answer) => answer.to_vec(),
        None => manners.answer(command),
    });
    let last = manners.one_answer;
    state.seen.questions.push(command.to_owned());
    (answer, last)
}

async fn say(stream: &mut BufReader<TcpStream>, state: &Mutex<State>, text: &[u8]) -> Result<()> {
    let end: &[u8] = if locked(state).manners.line_feed {
        b"\r\n"
    } else {
        b"\r"
    };
    Ok(stream.get_mut().write_all(&[text, end].concat()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;

    /// It is to be as strict as real ones, or tests before it prove nothing.
    #[tokio::test]
    async fn it_takes_one_controller_and_hangs_up_on_one_that_does_not_ask() -> Result<()> {
        let manners = Manners {
            idle: Duration::from_millis(30),
            ..Manners::default()
        };
        let projector = Projector::start(manners).await?;
        let mut first = TcpStream::connect(projector.address).await?;
        let mut greeting = [0; 9];
        first.read_exact(&mut greeting).await?;
        assert_eq!(&greeting, b"PJLINK 0\r");
        let mut second = TcpStream::connect(projector.address).await?;
        assert_eq!(second.read(&mut [0; 9]).await?, 0, "hung up on");
        assert_eq!(first.read(&mut [0; 9]).await?, 0, "nothing was asked");
        let seen = projector.seen();
        assert_eq!((seen.connections, seen.second, seen.idle), (1, 1, 1));
        Ok(())
    }

    #[test]
    fn an_order_is_told_from_a_question() {
        let seen = Seen {
            questions: vec!["%1POWR ?".into(), "%1POWR 0".into()],
            ..Seen::default()
        };
        assert_eq!(seen.orders(), ["%1POWR 0"]);
        let mut manners = Manners::default();
        assert_eq!(manners.obey("%1POWR ?"), None);
        assert_eq!(
            manners.obey("%1POWR 1"),
            Some(&b"%1POWR=OK"[..]),
            "so already"
        );
        assert_eq!(manners.obey("%1POWR 0"), Some(&b"%1POWR=OK"[..]));
        assert_eq!(manners.power, 2, "it cools");
        assert_eq!(manners.obey("%1POWR 1"), Some(&b"%1POWR=ERR3"[..]));
        assert_eq!(Manners::default().answer("%2FILT ?"), b"%2FILT=ERR1");
    }
}
