//! Windows: a service under the service control manager. It has no screen; `gangway-device status` shows its code, and
//! `gangway-device answer` answers.

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;
use windows_service::service::{
    ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

use super::Install;
use crate::cli::Failure;
use crate::cli::run::{Run, live};

const NAME: &str = "gangway-device";

/// The service manager calls [`service_main`] on a thread of its own, with nothing but words.
static ORDER: OnceLock<Install> = OnceLock::new();

define_windows_service!(enter, service_main);

pub(super) fn install(install: &Install) -> Result<(), Failure> {
    let mut arguments: Vec<OsString> = vec!["service".into(), "serve".into()];
    arguments.extend(install.arguments()?.into_iter().map(OsString::from));
    let program = std::env::current_exe()?;
    if install.print {
        println!("{} {:?}", program.display(), arguments);
        return Ok(());
    }
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: "Gangway device".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program,
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: None,
        account_password: None,
    };
    let manager = manager(ServiceManagerAccess::CREATE_SERVICE | ServiceManagerAccess::CONNECT)?;
    let service = manager
        .create_service(&info, ServiceAccess::ALL_ACCESS)
        .map_err(|error| refused(&error))?;
    service
        .set_description("Lets this machine join a fleet and keeps it connected.")
        .map_err(|error| refused(&error))?;
    let restart = ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: Duration::from_secs(5),
    };
    service
        .update_failure_actions(ServiceFailureActions {
            reset_period: ServiceFailureResetPeriod::After(Duration::from_secs(24 * 3600)),
            reboot_msg: None,
            command: None,
            actions: Some(vec![restart.clone(), restart.clone(), restart]),
        })
        .map_err(|error| refused(&error))?;
    service.start::<OsString>(&[]).map_err(|error| refused(&error))?;
    println!("The device runs, now and whenever this machine runs. Its code: gangway-device status");
    Ok(())
}

pub(super) fn uninstall() -> Result<(), Failure> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let access = ServiceAccess::STOP | ServiceAccess::DELETE | ServiceAccess::QUERY_STATUS;
    let service = manager
        .open_service(NAME, access)
        .map_err(|error| refused(&error))?;
    let state = service
        .query_status()
        .map_err(|error| refused(&error))?
        .current_state;
    if state != ServiceState::Stopped {
        service.stop().map_err(|error| refused(&error))?;
    }
    service.delete().map_err(|error| refused(&error))?;
    println!("Removed. The state directory stays; `gangway-device reset` empties it.");
    Ok(())
}

/// What the service manager starts: hands this process over to it.
pub(super) fn serve(install: &Install) -> Result<(), Failure> {
    ORDER.get_or_init(|| install.clone());
    service_dispatcher::start(NAME, enter).map_err(|_| {
        Failure::Unsupported(
            "only the service manager of Windows starts this; use `gangway-device run`".to_owned(),
        )
    })
}

fn service_main(_arguments: Vec<OsString>) {
    let Some(install) = ORDER.get() else {
        return;
    };
    let (stop, stopped) = watch::channel(false);
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            stop.send_replace(true);
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let Ok(handle) = service_control_handler::register(NAME, handler) else {
        return;
    };
    tell(handle, ServiceState::Running, 0);
    let exit_code = u32::from(run(install, stopped).is_err());
    tell(handle, ServiceState::Stopped, exit_code);
}

fn run(install: &Install, mut stopped: watch::Receiver<bool>) -> Result<(), Failure> {
    let run = Run {
        server: install.server.clone(),
        state: install.state.clone(),
        key: install.key.clone(),
        manner: install.manner.clone(),
        json: false,
        service: true,
        demo_thermometer: false,
    };
    let stop = async move {
        // The handler lives as long as the service; should it not, that is a reason to stop as well.
        let _gone = stopped.wait_for(|stop| *stop).await;
    };
    crate::cli::runtime()?.block_on(live(&run, stop))
}

fn tell(handle: ServiceStatusHandle, state: ServiceState, exit_code: u32) {
    let accepted = match state {
        ServiceState::Running => ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN,
        _ => ServiceControlAccept::empty(),
    };
    // A service manager that does not listen cannot be told so either.
    let _unheard = handle.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: accepted,
        exit_code: ServiceExitCode::Win32(exit_code),
        checkpoint: 0,
        wait_hint: Duration::ZERO,
        process_id: None,
    });
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, Failure> {
    ServiceManager::local_computer(None::<&str>, access).map_err(|error| refused(&error))
}

fn refused(error: &windows_service::Error) -> Failure {
    Failure::Unexpected(format!(
        "the service manager refused: {error}; run this as administrator"
    ))
}
