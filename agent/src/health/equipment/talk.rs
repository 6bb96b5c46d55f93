//! One connection with a projector: greeting, proof, one question after the other.

use super::pjlink::{self, Answer, Greeting, LINE_BYTES_MAX, Question};
use super::projector::Outcome;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// For the connection, and for each line.
const ANSWER: Duration = Duration::from_secs(3);

/// Asks all of it in one connection, or as much as the projector bears.
pub(super) async fn talk(
    address: SocketAddr,
    password: Option<&str>,
    questions: &[Question],
) -> Outcome {
    let Ok(Ok(stream)) = timeout(ANSWER, TcpStream::connect(address)).await else {
        return Outcome::Silent;
    };
    let mut line = Line(BufReader::new(stream));
    let greeting = match line.read().await {
        Ok(Some(greeting)) => pjlink::greeting(&greeting),
        // It hangs up on a second controller.
        Ok(None) => return Outcome::Busy,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Outcome::Busy,
        Err(_) => return Outcome::Silent,
    };
    let proof = match greeting {
        Some(Greeting::Open) => None,
        Some(Greeting::Closed) => return Outcome::Busy,
        Some(Greeting::Challenge(number)) => match password {
            Some(password) => Some(pjlink::proof(&number, password)),
            None => return Outcome::Refused,
        },
        None => return Outcome::Stranger,
    };
    let proof = proof.as_ref().map_or("", |proof| proof.as_str());
    line.ask(proof, questions).await
}

/// Lines that end with a carriage return, each within its limits.
struct Line(BufReader<TcpStream>);

impl Line {
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
