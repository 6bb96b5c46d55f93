//! One connection with a projector: greeting, proof, one question after the other, or one order.

use super::pjlink::{self, Answer, Greeting, LINE_BYTES_MAX, Obeyed, Question};
use super::projector::Outcome;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use xunke_protocol::envelope::Switch;
use zeroize::Zeroizing;

/// For the connection, and for each line.
const ANSWER: Duration = Duration::from_secs(3);

/// Asks all of it in one connection, or as much as the projector bears.
pub(super) async fn talk(
    address: SocketAddr,
    password: Option<&str>,
    questions: &[Question],
) -> Outcome {
    match Line::open(address, password).await {
        Ok((mut line, proof)) => line.ask(&proof, questions).await,
        Err(outcome) => outcome,
    }
}

/// Gives the one order there is, in a connection of its own.
///
/// # Errors
/// What became of the connection instead.
pub(super) async fn order(
    address: SocketAddr,
    password: Option<&str>,
    power: Switch,
) -> Result<Obeyed, Outcome> {
    let (mut line, proof) = Line::open(address, password).await?;
    let text = Zeroizing::new(format!("{}{}", *proof, pjlink::order(power)));
    let Ok(Some(answer)) = line.exchange(&text).await else {
        return Err(Outcome::Silent);
    };
    pjlink::obeyed(&answer).ok_or(Outcome::Stranger)
}

/// Lines that end with a carriage return, each within its limits.
struct Line(BufReader<TcpStream>);

impl Line {
    /// Up to the proof that stands before what is said first.
    async fn open(
        address: SocketAddr,
        password: Option<&str>,
    ) -> Result<(Self, Zeroizing<String>), Outcome> {
        let Ok(Ok(stream)) = timeout(ANSWER, TcpStream::connect(address)).await else {
            return Err(Outcome::Silent);
        };
        let mut line = Self(BufReader::new(stream));
        let greeting = match line.read().await {
            Ok(Some(greeting)) => pjlink::greeting(&greeting),
            // It hangs up on a second controller.
            Ok(None) => return Err(Outcome::Busy),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(Outcome::Busy);
            }
            Err(_) => return Err(Outcome::Silent),
        };
        match greeting {
            Some(Greeting::Open) => Ok((line, Zeroizing::default())),
            Some(Greeting::Closed) => Err(Outcome::Busy),
            Some(Greeting::Challenge(number)) => match password {
                Some(password) => Ok((line, pjlink::proof(&number, password))),
                None => Err(Outcome::Refused),
            },
            None => Err(Outcome::Stranger),
        }
    }

    /// `None` when the other side has hung up.
    async fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.0).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\r', &mut bytes);
        timeout(ANSWER, read).await.map_err(io::Error::from)??;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// The proof stands before the first question alone.
    async fn ask(&mut self, proof: &str, questions: &[Question]) -> Outcome {
        let mut answers = Vec::new();
        let (begun, mut rtt_ms, mut cut) = (Instant::now(), 0.0, false);
        for (number, question) in questions.iter().enumerate() {
            let proof = if number == 0 { proof } else { "" };
            let asked = format!("{proof}{}", question.text());
            let line = self.exchange(&asked).await;
            let Ok(Some(line)) = line else {
                if number == 0 {
                    return Outcome::Silent;
                }
                // One that is slow today is asked the same tomorrow.
                cut = !matches!(&line, Err(error) if error.kind() == io::ErrorKind::TimedOut);
                break;
            };
            if number == 0 {
                rtt_ms = begun.elapsed().as_secs_f32() * 1000.0;
            }
            match pjlink::answer(*question, &line) {
                Some(Answer::Refused) => return Outcome::Refused,
                Some(answer) => answers.push((*question, answer)),
                None if number == 0 => return Outcome::Stranger,
                // What follows could be the answer to anything.
                None => break,
            }
        }
        Outcome::Answered {
            answers,
            rtt_ms,
            cut,
        }
    }

    async fn exchange(&mut self, asked: &str) -> io::Result<Option<Vec<u8>>> {
        let written = timeout(ANSWER, self.0.get_mut().write_all(asked.as_bytes()));
        written.await.map_err(io::Error::from)??;
        self.read().await
    }
}
