//! One connection to a broker.

use std::collections::VecDeque;
use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event, TimerKind};
use mqtt_protocol_core::mqtt::packet::{Packet, Qos, SubEntry, SubOpts, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::prelude::*;
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, PubackReasonCode, SubackReasonCode, SubackReturnCode,
};
use mqtt_protocol_core::mqtt::{Connection, Version, role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use super::{MqttError, MqttSettings, MqttVersion};
use crate::transport::BoxedStream;

/// AWS sends 128 KiB at most (AWS IoT Core endpoints and quotas); a topic and properties come on top.
const MAX_PACKET: u32 = 160 * 1024;

/// A packet in the version that is spoken: the crate has types of its own for each.
macro_rules! packet {
    ($version:expr, $kind:ident, |$builder:ident| $fields:expr) => {
        match $version {
            MqttVersion::V3 => {
                let $builder = v3_1_1::$kind::builder();
                $fields.build().map(Packet::from).map_err(unfit)
            }
            MqttVersion::V5 => {
                let $builder = v5_0::$kind::builder();
                $fields.build().map(Packet::from).map_err(unfit)
            }
        }
    };
}

/// Messages that are kept while an answer is waited for. Provisioning has one.
const MAX_KEPT: usize = 16;

/// A connection that stands.
pub(super) struct Client {
    stream: BoxedStream,
    connection: Connection<role::Client>,
    version: MqttVersion,
    /// How long the broker may take for an answer.
    answer_due: Duration,
    buffer: Box<[u8]>,
    packets: VecDeque<Packet>,
    /// When the next ping is due.
    ping_at: Option<Instant>,
    /// Until when the answer to the last one has to be there.
    pong_by: Option<Instant>,
}

/// What a device says when it connects.
pub(super) struct Hello<'a> {
    pub(super) settings: &'a MqttSettings,
    pub(super) client_id: &'a str,
    /// What the broker publishes, retained, when the connection breaks.
    pub(super) will: Option<(&'a str, &'a [u8])>,
}

/// A message that came.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

impl Client {
    /// Connects over `stream`.
    pub(super) async fn open(stream: BoxedStream, hello: &Hello<'_>) -> Result<Self, MqttError> {
        let options = ConnectionOptions::new().maximum_packet_size_recv(MAX_PACKET);
        let settings = hello.settings;
        let version = match settings.version {
            MqttVersion::V3 => Version::V3_1_1,
            MqttVersion::V5 => Version::V5_0,
        };
        let mut connection = Connection::<role::Client>::with_options(version, options);
        connection.set_auto_pub_response(true);
        connection.set_pingresp_recv_timeout(millis(settings.answer_due));
        let mut client = Self {
            stream,
            connection,
            version: settings.version,
            answer_due: settings.answer_due,
            buffer: vec![0; 16 * 1024].into_boxed_slice(),
            packets: VecDeque::new(),
            ping_at: None,
            pong_by: None,
        };
        client.send(connect(hello)?).await?;
        let answer = timeout(client.answer_due, client.packet()).await;
        match answer.unwrap_or(Err(MqttError::Silent))? {
            Packet::V3_1_1Connack(answer) if answer.return_code().is_success() => Ok(client),
            Packet::V5_0Connack(answer) if answer.reason_code() == ConnectReasonCode::Success => Ok(client),
            Packet::V3_1_1Connack(answer) => Err(MqttError::Refused(format!("{:?}", answer.return_code()))),
            Packet::V5_0Connack(answer) => Err(MqttError::Refused(format!("{:?}", answer.reason_code()))),
            _ => Err(MqttError::Protocol(
                "it did not acknowledge the connection".to_owned(),
            )),
        }
    }

    /// Subscribes to these topics.
    pub(super) async fn subscribe(&mut self, topics: &[String]) -> Result<(), MqttError> {
        for topic in topics {
            let id = self.packet_id()?;
            let options = SubOpts::new().set_qos(Qos::AtLeastOnce);
            let entries = vec![SubEntry::new(topic.as_str(), options).map_err(unfit)?];
            let packet = packet!(self.version, Subscribe, |builder| builder
                .entries(entries)
                .packet_id(id));
            self.send(packet?).await?;
            let accepted = self
                .answer(|packet| match packet {
                    Packet::V3_1_1Suback(answer) if answer.packet_id() == id => {
                        Some(answer.return_codes().iter().all(SubackReturnCode::is_success))
                    }
                    Packet::V5_0Suback(answer) if answer.packet_id() == id => {
                        Some(answer.reason_codes().iter().all(SubackReasonCode::is_success))
                    }
                    _ => None,
                })
                .await?;
            if !accepted {
                return Err(MqttError::NotSubscribed { topic: topic.clone() });
            }
        }
        Ok(())
    }

    /// Publishes, and waits until the broker has it (QoS 1).
    pub(super) async fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        retain: bool,
    ) -> Result<(), MqttError> {
        let id = self.packet_id()?;
        let packet = packet!(self.version, Publish, |builder| builder
            .topic_name(topic)
            .map_err(unfit)?
            .qos(Qos::AtLeastOnce)
            .retain(retain)
            .packet_id(id)
            .payload(payload));
        self.send(packet?).await?;
        let refusal = self
            .answer(|packet| match packet {
                Packet::V3_1_1Puback(answer) if answer.packet_id() == id => Some(None),
                Packet::V5_0Puback(answer) if answer.packet_id() == id => {
                    Some(answer.reason_code().filter(PubackReasonCode::is_failure))
                }
                _ => None,
            })
            .await?;
        match refusal {
            None => Ok(()),
            Some(code) => Err(MqttError::Refused(format!("it does not take {topic}: {code:?}"))),
        }
    }

    /// The next message. Meanwhile pings are sent when they are due.
    pub(super) async fn next(&mut self) -> Result<Message, MqttError> {
        loop {
            if let Some(message) = message(self.packet().await?) {
                return Ok(message);
            }
        }
    }

    /// Says goodbye: the broker forgets the last will.
    pub(super) async fn close(mut self) {
        if let Ok(packet) = packet!(self.version, Disconnect, |builder| builder) {
            // Whoever is gone already needs no goodbye.
            let _gone = self.send(packet).await;
        }
        let _gone = self.stream.shutdown().await;
    }

    /// The answer that `wanted` finds; messages that come meanwhile are kept.
    async fn answer<T>(&mut self, wanted: impl Fn(&Packet) -> Option<T>) -> Result<T, MqttError> {
        let mut kept = VecDeque::new();
        let found = timeout(self.answer_due, async {
            loop {
                let packet = self.packet().await?;
                if let Some(found) = wanted(&packet) {
                    return Ok(found);
                }
                if kept.len() >= MAX_KEPT {
                    return Err(MqttError::Protocol("it sends and does not answer".to_owned()));
                }
                kept.push_back(packet);
            }
        })
        .await;
        kept.append(&mut self.packets);
        self.packets = kept;
        found.unwrap_or(Err(MqttError::Silent))
    }

    /// The next packet. Dropping this future while it waits loses nothing; while it answers it may leave half a packet, so that
    /// whoever drops it closes the connection.
    async fn packet(&mut self) -> Result<Packet, MqttError> {
        loop {
            if let Some(packet) = self.packets.pop_front() {
                if let Packet::V5_0Disconnect(reason) = &packet {
                    let reason = reason.reason_code().map(|code| format!(": {code:?}"));
                    return Err(MqttError::Closed(reason.unwrap_or_default()));
                }
                return Ok(packet);
            }
            let ping_at = self.ping_at;
            let pong_by = self.pong_by;
            tokio::select! {
                read = self.stream.read(&mut self.buffer) => {
                    let read = read.map_err(|error| MqttError::Closed(format!(": {error}")))?;
                    if read == 0 {
                        return Err(MqttError::Closed(String::new()));
                    }
                    self.feed(read).await?;
                }
                () = until(ping_at) => {
                    self.ping_at = None;
                    let events = self.connection.notify_timer_fired(TimerKind::PingreqSend);
                    self.carry_out(events).await?;
                }
                () = until(pong_by) => return Err(MqttError::Silent),
            }
        }
    }

    async fn feed(&mut self, read: usize) -> Result<(), MqttError> {
        let mut events = Vec::new();
        let mut cursor = Cursor::new(self.buffer.get(..read).unwrap_or_default());
        while usize::try_from(cursor.position()).is_ok_and(|at| at < read) {
            events.extend(self.connection.recv(&mut cursor));
        }
        self.carry_out(events).await
    }

    async fn send(&mut self, packet: Packet) -> Result<(), MqttError> {
        let events = self.connection.send(packet);
        self.carry_out(events).await
    }

    /// Does what the machine wants.
    async fn carry_out(&mut self, events: Vec<Event>) -> Result<(), MqttError> {
        let mut closes = false;
        for event in events {
            match event {
                Event::NotifyPacketReceived(packet) => self.packets.push_back(packet),
                Event::RequestSendPacket { packet, .. } => {
                    let bytes = packet.to_continuous_buffer();
                    let writing = async {
                        self.stream.write_all(&bytes).await?;
                        self.stream.flush().await
                    };
                    // A broker that sends and does not read holds nobody up.
                    let written = timeout(self.answer_due, writing).await;
                    let written = written.map_err(|_| MqttError::Silent)?;
                    written.map_err(|error| MqttError::Closed(format!(": {error}")))?;
                }
                Event::RequestTimerReset { kind, duration_ms } => {
                    let at = Some(Instant::now() + Duration::from_millis(duration_ms));
                    self.set_timer(kind, at);
                }
                Event::RequestTimerCancel(kind) => self.set_timer(kind, None),
                Event::NotifyError(error) => return Err(unfit(error)),
                Event::RequestClose => closes = true,
                Event::NotifyPacketIdReleased(_) => {}
            }
        }
        if closes && self.packets.is_empty() {
            return Err(MqttError::Closed(String::new()));
        }
        Ok(())
    }

    fn set_timer(&mut self, kind: TimerKind, at: Option<Instant>) {
        match kind {
            TimerKind::PingreqSend => self.ping_at = at,
            // Each ping starts this anew: the first one that is not answered counts.
            TimerKind::PingrespRecv => self.pong_by = at.map(|at| self.pong_by.unwrap_or(at)),
            // Brokers alone wait for pings.
            TimerKind::PingreqRecv => {}
        }
    }

    fn packet_id(&mut self) -> Result<u16, MqttError> {
        self.connection.acquire_packet_id().map_err(unfit)
    }
}

fn connect(hello: &Hello<'_>) -> Result<Packet, MqttError> {
    let secs = u16::try_from(hello.settings.keep_alive.as_secs()).unwrap_or(u16::MAX);
    packet!(hello.settings.version, Connect, |builder| {
        let packet = builder
            .client_id(hello.client_id)
            .map_err(unfit)?
            .clean_start(true)
            .keep_alive(secs);
        match hello.will {
            None => packet,
            Some((topic, payload)) => packet
                .will_message(topic, payload.to_vec(), Qos::AtLeastOnce, true)
                .map_err(unfit)?,
        }
    })
}

fn message(packet: Packet) -> Option<Message> {
    match packet {
        Packet::V3_1_1Publish(message) => Some(Message {
            topic: message.topic_name().to_owned(),
            payload: message.payload().as_slice().to_vec(),
        }),
        Packet::V5_0Publish(message) => Some(Message {
            topic: message.topic_name().to_owned(),
            payload: message.payload().as_slice().to_vec(),
        }),
        _ => None,
    }
}

fn unfit(error: impl std::fmt::Debug) -> MqttError {
    MqttError::Protocol(format!("{error:?}"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
